/**
 * A node in maintenance starts nothing that is asked for there, and one that is being reset does not either; and what an evacuation
 * or a reset says that it removed is gone.
 *
 * What was asked for before goes on. Excused is what somebody adopts: that runs already. Restart policies go on with what is there.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { inService, type NodeRecord } from "../../launcher/NodeRecord.ts"
import { type Checker, make } from "../Checker.ts"
import { isClearing } from "../History.ts"
import { Calls } from "./Calls.ts"
import { Guests } from "./Guests.ts"

/** How long it may take, in milliseconds, until a launcher knows that what it wrote is on disk. */
const writeMillis = 10

export const maintenance: Checker = make("a node in maintenance starts nothing", (complain) => {
  const calls = new Calls()
  const guests = new Guests()
  const records = new Map<InstanceId, InstanceRecord>()
  const aside = new Set<InstanceId>()
  let node: NodeRecord = inService
  /** Since when nothing is started; never, where the node is in service. */
  let closedSince = Infinity
  /** The entry that opened it last: what came after can be there again. */
  let opened = -1

  const begins = (record: InstanceRecord, before: InstanceRecord | undefined): boolean =>
    before === undefined || (record.desired.restarts === 0 && record.desired.epoch > before.desired.epoch)

  return (entry, index) => {
    const call = calls.look(entry, index)
    guests.look(entry)
    switch (entry._tag) {
      case "NodeRecorded": {
        const wasClosed = node.maintenance || node.task === "reset"
        node = entry.record
        const isClosed = node.maintenance || node.task === "reset"
        if (isClosed !== wasClosed) closedSince = isClosed ? entry.atMillis + writeMillis : Infinity
        if (!isClosed) opened = index
        return
      }
      case "Recorded": {
        const before = records.get(entry.id)
        records.set(entry.id, entry.record)
        if (!begins(entry.record, before)) return
        const asked = Array.from(calls.of(entry.id)).filter(({ command: { _tag } }) =>
          _tag === "Create" || _tag === "Start" || _tag === "Restart" || _tag === "Adopt"
        )
        if (
          asked.length > 0 && asked.every(({ atMillis, command }) => atMillis > closedSince && command._tag !== "Adopt")
        ) {
          complain(`${entry.id} is created or started (${entry.record.desired.epoch}), and the node is in maintenance`)
        }
        return
      }
      case "SetAside":
        aside.add(entry.id)
        records.delete(entry.id)
        return
      case "Removed":
        records.delete(entry.id)
        return
      case "Answered": {
        if (!entry.answer.ok || call === undefined || !isClearing(call.command)) return
        for (const { failure, name, what } of entry.answer.removals ?? []) {
          // What somebody started since, where the node was opened again, is another.
          if (failure !== undefined || what === "record" || opened > call.index) continue
          const id = Array.from(records.keys()).find((id) => id === name)
          if (id !== undefined && (records.get(id)?.boot ?? 0) > 0 && guests.of(id).length > 0) {
            complain(`${name} was removed (${entry.call}), and guest ${guests.of(id)[0]?.pid} lives`)
          }
        }
        return
      }
      default:
        return
    }
  }
})
