/**
 * Unknown is not exited: no record says that a guest ended while that guest lives.
 *
 * A start that failed is none of this: that its guest did not connect in time is a failure whether it lives or not.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import { Guests } from "./Guests.ts"

export const provenEnds: Checker = make("no end without proof", (complain) => {
  const guests = new Guests()
  const records = new Map<InstanceId, InstanceRecord>()
  const aside = new Set<number>()

  return (entry) => {
    guests.look(entry)
    switch (entry._tag) {
      case "Recorded": {
        const { id, record: { boot, ended, revision } } = entry
        // It is adopted.
        if (revision === 1 && boot > 0) { for (const { pid } of guests.of(id)) aside.delete(pid) }
        const before = records.get(id)?.ended ?? null
        records.set(id, entry.record)
        if (ended === null || ended.epoch === before?.epoch || ended.outcome._tag === "Failed") return
        for (const { pid } of guests.of(id)) {
          if (!aside.has(pid)) {
            complain(`${id}: its record says that it ended (${ended.outcome._tag}), and guest ${pid} lives`)
          }
        }
        return
      }
      case "Removed":
        records.delete(entry.id)
        return
      case "SetAside":
        records.delete(entry.id)
        for (const { pid } of guests.of(entry.id)) aside.add(pid)
        return
      default:
        return
    }
  }
})
