/**
 * There is no guest without a record. The record is there first, with the boot that the guest is launched for, and outlives it.
 *
 * A launch that was under way when another start came to be wanted may still bring its guest: that is ended at once.
 *
 * Excused is a guest whose record can not be read: it is set aside, the guest is left alone, and the launcher that found it so
 * reports it.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import { Guests } from "./Guests.ts"

export const recordedGuests: Checker = make("no guest without a record", (complain) => {
  const guests = new Guests()
  const records = new Map<InstanceId, InstanceRecord>()
  /** Guests whose record was set aside. */
  const aside = new Set<number>()
  /** Whether the record said so when a guest was asked for. */
  const armed = new Map<InstanceId, boolean>()
  /** Set aside by the launcher that is being built. */
  let unreported = new Set<InstanceId>()

  return (entry) => {
    guests.look(entry)
    switch (entry._tag) {
      case "Began":
        unreported = new Set()
        return
      case "Recorded":
        records.set(entry.id, entry.record)
        // It is adopted.
        if (entry.record.revision === 1 && entry.record.boot > 0) {
          for (const { pid } of guests.of(entry.id)) aside.delete(pid)
        }
        return
      case "Acting": {
        const record = records.get(entry.id)
        if (entry.operation === "start") armed.set(entry.id, record?.boot === record?.desired.epoch)
        return
      }
      case "Spawned": {
        const record = records.get(entry.id)
        if (record === undefined) return complain(`${entry.id}: guest ${entry.pid} begins without a record`)
        const { boot, desired: { epoch } } = record
        if (boot !== epoch && armed.get(entry.id) !== true) {
          complain(
            `${entry.id}: guest ${entry.pid} begins for start ${epoch}, and the record says that ${boot} was launched`
          )
        }
        return
      }
      case "Removed":
        records.delete(entry.id)
        for (const { pid } of guests.of(entry.id)) {
          if (!aside.has(pid)) complain(`${entry.id}: its record was removed while guest ${pid} lives`)
        }
        return
      case "SetAside":
        records.delete(entry.id)
        unreported.add(entry.id)
        for (const { pid } of guests.of(entry.id)) aside.add(pid)
        return
      case "Booted":
        for (const id of unreported) {
          if (!entry.unreadable.includes(id)) complain(`${id}: its record was set aside, and nobody was told`)
        }
        for (const id of entry.unreadable) {
          if (!unreported.has(id)) complain(`${id}: its record was told to be unreadable, and was not set aside`)
        }
        return
      default:
        return
    }
  }
})
