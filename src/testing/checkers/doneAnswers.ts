/**
 * An acknowledged command is done: the guest has been as it says at some moment since it was called; and after a restart there
 * is another than before.
 *
 * Excused is a start of a guest that ended a moment before: its launcher had not heard of that yet.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Checker, make } from "../Checker.ts"
import type { Call } from "../History.ts"
import { Calls } from "./Calls.ts"
import { Guests, type LivingGuest } from "./Guests.ts"

/** How long the end of a guest may be news, in milliseconds. */
const newsMillis = 1_000

/** Whether the guest is as a command wants it. Of what is not running, a change of volumes wants nothing. */
const isSo = (command: Call, guest: LivingGuest | undefined): boolean => {
  switch (command._tag) {
    case "Start":
    case "Adopt":
      return guest !== undefined
    case "Restart":
      return false
    case "Stop":
    case "Delete":
    case "DestroyOrphan":
      return guest === undefined
    case "Attach":
      return guest === undefined || guest.volumes.has(command.volume.id)
    case "Detach":
      return guest === undefined || !guest.volumes.has(command.volume)
    default:
      return true
  }
}

export const doneAnswers: Checker = make("an acknowledged command is done", (complain) => {
  const calls = new Calls()
  const guests = new Guests()
  const done = new Set<number>()
  const endedAt = new Map<InstanceId, number>()
  const aside = new Set<number>()

  /** The guest that is its launcher's. */
  const guestOf = (id: InstanceId): LivingGuest | undefined => guests.of(id).find(({ pid }) => !aside.has(pid))

  return (entry, index) => {
    guests.look(entry)
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Called": {
        if (call?.id === undefined) return
        const endedMillis = endedAt.get(call.id)
        const isNews = call.command._tag === "Start" && endedMillis !== undefined &&
          endedMillis + newsMillis >= entry.atMillis
        if (isNews || isSo(call.command, guestOf(call.id))) done.add(entry.call)
        return
      }
      case "Spawned":
      case "Ended":
      case "Attached":
      case "Detached":
        if (entry._tag === "Ended") endedAt.set(entry.id, entry.atMillis)
        for (const { call, command } of calls.of(entry.id)) {
          const isAnew = command._tag === "Restart" && entry._tag === "Spawned"
          if (isAnew || isSo(command, guestOf(entry.id))) done.add(call)
        }
        return
      case "Recorded":
        // It is adopted.
        if (entry.record.revision === 1 && entry.record.boot > 0) {
          for (const { pid } of guests.of(entry.id)) aside.delete(pid)
          for (const { call, command } of calls.of(entry.id)) if (isSo(command, guestOf(entry.id))) done.add(call)
        }
        return
      case "SetAside":
        for (const { pid } of guests.of(entry.id)) aside.add(pid)
        return
      case "Answered":
      case "Abandoned":
        if (entry._tag === "Answered" && entry.answer.ok && call?.id !== undefined && !done.has(entry.call)) {
          complain(`${call.command._tag} of ${call.id} (${entry.call}) was acknowledged, and was not done`)
        }
        done.delete(entry.call)
        return
      default:
        return
    }
  }
})
