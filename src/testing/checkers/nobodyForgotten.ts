/**
 * Nobody waits for an instance at rest: when a call times out, something was being done for its instance, or had been a moment
 * ago. Where nothing was, its caller had been forgotten.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Checker, make } from "../Checker.ts"
import { Calls } from "./Calls.ts"

/** The longest that an instance waits between two attempts is twenty seconds; so long it does not. */
const restMillis = 60_000

export const nobodyForgotten: Checker = make("nobody forgotten", (complain) => {
  const calls = new Calls()
  const acts = new Map<number, InstanceId>()
  /** When something was last done for an instance. */
  const busyAt = new Map<InstanceId, number>()

  return (entry, index) => {
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Began":
        acts.clear()
        return
      case "Acting":
        acts.set(entry.act, entry.id)
        busyAt.set(entry.id, entry.atMillis)
        return
      case "Acted": {
        const id = acts.get(entry.act)
        acts.delete(entry.act)
        if (id !== undefined) busyAt.set(id, entry.atMillis)
        return
      }
      case "Recorded":
      case "Removed":
        busyAt.set(entry.id, entry.atMillis)
        return
      case "Struck":
        // A record that can not be written is written again and again.
        if (entry.id !== undefined) busyAt.set(entry.id, entry.atMillis)
        return
      case "Answered": {
        if (call?.id === undefined || entry.answer.ok || entry.answer.code !== "timed_out") return
        const { command, id } = call
        for (const busy of acts.values()) if (busy === id) return
        const idleMillis = entry.atMillis - Math.max(call.atMillis, busyAt.get(id) ?? 0)
        if (idleMillis >= restMillis) {
          complain(`${command._tag} of ${id} (${entry.call}) timed out, and nothing was done for ${idleMillis} ms`)
        }
        return
      }
      default:
        return
    }
  }
})
