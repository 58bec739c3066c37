/**
 * After an acknowledged delete nothing of the instance is left, and nothing comes back that nobody asked for.
 *
 * Excused is an instance that somebody asked to be created or started while it was deleted: it may be there again. So is what is left of
 * one whose record was set aside: no launcher takes it for its own.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Checker, make } from "../Checker.ts"
import { isBeginning } from "../History.ts"
import { Calls, type OpenCall } from "./Calls.ts"

const makes = ["image", "create", "start"]

export const nothingLeft: Checker = make("nothing left after an acknowledged delete", (complain) => {
  const calls = new Calls()
  /** The entry that ended the last call to create or start an instance. */
  const startOver = new Map<InstanceId, number>()
  const deleted = new Set<InstanceId>()
  const aside = new Set<InstanceId>()

  const isExcused = (id: InstanceId, { index }: OpenCall): boolean =>
    aside.has(id) || (startOver.get(id) ?? -1) > index ||
    Array.from(calls.of(id)).some(({ command }) => isBeginning(command))

  /** The delete that was acknowledged in the entry before. */
  let acknowledged: OpenCall | undefined

  return (entry, index) => {
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Called":
        if (call?.id !== undefined && isBeginning(call.command)) deleted.delete(call.id)
        return
      case "SetAside":
        aside.add(entry.id)
        return
      case "Recorded":
        // It was launched, so nothing of another was in its way.
        if (entry.record.boot > 0) aside.delete(entry.id)
        return
      case "Answered":
      case "Abandoned": {
        acknowledged = undefined
        if (call?.id === undefined) return
        if (isBeginning(call.command)) startOver.set(call.id, index)
        if (entry._tag === "Answered" && entry.answer.ok && call.command._tag === "Delete") {
          acknowledged = call
          if (!isExcused(call.id, call)) deleted.add(call.id)
        }
        return
      }
      case "Remains":
        if (acknowledged?.id === entry.id && entry.what.length > 0 && !isExcused(entry.id, acknowledged)) {
          complain(`${entry.id} was deleted, and there is still: ${entry.what.join(", ")}`)
        }
        return
      case "Acting":
        if (deleted.has(entry.id) && makes.includes(entry.operation)) {
          complain(`${entry.id} was deleted, and is prepared again (${entry.operation})`)
        }
        return
      case "Spawned":
        if (deleted.has(entry.id)) complain(`${entry.id} was deleted, and then guest ${entry.pid} began`)
        return
      default:
        return
    }
  }
})
