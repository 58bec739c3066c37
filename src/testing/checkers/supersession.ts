/**
 * A stronger command supersedes, at once: `delete` all, `stop` all but `delete`, and a pause, a resume, an attachment or a
 * detachment its opposite.
 *
 * - What is asked for comes to be on record without waiting for the step under way, however long that hangs.
 * - From then on a step that no longer leads to what is wanted is cut short: it takes no longer than undoing it takes.
 * - Who waited for a start that was taken up is told `superseded`, as soon as that step is over.
 * - Nobody is told `superseded` without somebody who did it.
 */
import { Duration } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { hasConnected, type InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import { type Call, isClearing, type Operation } from "../History.ts"
import { Calls, type OpenCall } from "./Calls.ts"
import { cleanUpMillis, longestCleanUpMillis } from "./deadlines.ts"

type Kind = Call["_tag"]

/** Who can take over from a command. */
const beaters: Readonly<Partial<Record<Kind, ReadonlyArray<Kind>>>> = {
  Create: ["Delete"],
  Start: ["Stop", "Delete"],
  Stop: ["Delete"],
  Restart: ["Stop", "Delete"],
  Pause: ["Resume", "Stop", "Delete"],
  Resume: ["Pause", "Stop", "Delete"],
  Attach: ["Detach", "Stop", "Delete"],
  Detach: ["Attach", "Stop", "Delete"]
}

/** What a superseded start can be told. What failed in the same moment may have been told already. */
const toldSuperseded = ["superseded", "timed_out", "launcher_closed"]

/** Whether an operation leads to what is wanted now. */
const leads = (operation: Operation, record: InstanceRecord): boolean => {
  const { power } = record.desired
  switch (operation) {
    case "probe":
    case "kill":
    case "quit":
    case "deleteImage":
      return true
    case "stop":
      return power === "stopped"
    case "monitor":
    case "connect":
      // A guest that answered once is asked to end, and for that it is taken hold of.
      return power === "stopped" && hasConnected(record)
    default:
      return false
  }
}

/** Whether an operation that one start began leads to the next just as well, which comes together with a stop. */
const isOfAnyStart = (operation: Operation): boolean => operation === "image" || operation === "create"

/** An operation under way. */
interface Act {
  readonly id: InstanceId
  readonly operation: Operation
  readonly atMillis: number
  /** Since when it leads nowhere. */
  obsoleteMillis: number | undefined
}

/** A start that is on record, and whose caller waits. */
interface Taken {
  readonly call: OpenCall
  /** When a stronger command was recorded, and for how long its caller may still wait. */
  beaten: { readonly atMillis: number; readonly isSure: boolean } | undefined
}

/** A stop or a delete that is not on record. */
interface Pending {
  /** How many calls on its instance are considered before it, or with it: each may be a write. */
  writes: number
  /** How long steps went on since it was called, as if it had not been. */
  ignoredMillis: number
}

export const supersession: Checker = make("the stronger command takes over at once", (complain) => {
  const calls = new Calls()
  const records = new Map<InstanceId, InstanceRecord>()
  const acts = new Map<number, Act>()
  const taken = new Map<InstanceId, Taken>()
  const pending = new Map<OpenCall, Pending>()
  /** Of each instance, which kind of call was last over, and when. */
  const lastOver = new Map<InstanceId, Map<Kind, number>>()
  let writeMillis = 0
  /** When something that removes all instances was last under way; `Infinity` while it is. */
  let clearing = -1
  const clearings = new Set<number>()
  /** Whether such a thing is on record: then it goes on when its caller does not wait any more, and after a crash. */
  let isOnRecord = false

  /** A step goes on, or has, while somebody asks for what would end it. */
  const ignore = ({ atMillis, id, obsoleteMillis }: Act, nowMillis: number): void => {
    if (obsoleteMillis !== undefined) return
    for (const [call, one] of pending) {
      if (call.id === id) one.ignoredMillis += nowMillis - Math.max(atMillis, call.atMillis)
    }
  }

  /** A stop or a delete is on record. */
  const found = (call: OpenCall, { ignoredMillis, writes }: Pending, nowMillis: number): void => {
    pending.delete(call)
    const tookMillis = nowMillis - call.atMillis
    const mostMillis = (writes + 4) * writeMillis + longestCleanUpMillis
    const name = `${call.command._tag} of ${call.id} (${call.call})`
    if (ignoredMillis > (writes + 1) * writeMillis + 1_000) {
      complain(`${name} was not considered for ${ignoredMillis} ms of the step under way`)
    } else if (tookMillis > mostMillis) {
      complain(`${name} was on record after ${tookMillis} ms; ${mostMillis} ms are allowed`)
    }
  }

  const recorded = (id: InstanceId, next: InstanceRecord, atMillis: number): void => {
    const before = records.get(id)
    records.set(id, next)
    const { power } = next.desired
    if (power === "stopped" || power === "deleted") {
      for (const act of acts.values()) if (act.id === id) ignore(act, atMillis)
      for (const [call, one] of pending) {
        if (call.id === id && (power === "deleted" || call.command._tag === "Stop")) found(call, one, atMillis)
      }
      for (const act of acts.values()) {
        if (act.id === id && !leads(act.operation, next)) act.obsoleteMillis ??= atMillis
      }
    }
    if (next.desired.epoch > (before?.desired.epoch ?? 0)) {
      for (const act of acts.values()) if (act.id === id && isOfAnyStart(act.operation)) act.obsoleteMillis = undefined
      // What its restart policy makes of a start is that start still.
      if (next.desired.restarts > 0) return
      const starts = Array.from(calls.of(id)).filter(({ command: { _tag } }) => _tag === "Start" || _tag === "Restart")
      const [start] = starts
      if (start?.command._tag === "Start" && starts.length === 1) taken.set(id, { call: start, beaten: undefined })
      else taken.delete(id)
      return
    }
    const start = taken.get(id)
    if (before === undefined || start === undefined || start.beaten !== undefined) return
    const isOver = next.ended?.epoch !== before.ended?.epoch
    const by = power === "deleted" ? "Delete" : power === "stopped" ? "Stop" : undefined
    if (by === undefined || power === before.desired.power || isOver) return
    if (!Array.from(calls.of(id)).some(({ command }) => command._tag === by)) return
    // A first start that fails before its launch is undone, too: then its caller is told why it failed.
    start.beaten = { atMillis, isSure: by === "Stop" || before.boot > 0 }
  }

  const answered = (call: OpenCall, code: string, atMillis: number): void => {
    const { call: number, command, id } = call
    if (id === undefined) return
    if (code === "superseded") {
      const kinds = beaters[command._tag] ?? []
      const isBeaten = Array.from(calls.of(id)).some((other) => kinds.includes(other.command._tag)) ||
        kinds.some((kind) => (lastOver.get(id)?.get(kind) ?? -1) > call.index) || clearing > call.index
      if (!isBeaten) complain(`${command._tag} of ${id} (${number}) was superseded by nobody`)
    }
    const start = taken.get(id)
    if (start?.call !== call) return
    taken.delete(id)
    const { beaten } = start
    if (beaten === undefined || beaten.atMillis === atMillis) return
    if (beaten.isSure ? !toldSuperseded.includes(code) : code === "ok" || code === "no_instance") {
      complain(`start of ${id} (${number}) was superseded, and was told ${code}`)
    }
  }

  return (entry, index) => {
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Began":
        writeMillis = Duration.toMillis(entry.config.recordDeadline)
        return
      case "Crashed":
      case "Closing":
        acts.clear()
        taken.clear()
        pending.clear()
        clearings.clear()
        return
      case "NodeRecorded":
        // The next launcher goes on with it.
        isOnRecord = entry.record.task !== null
        if (isOnRecord) clearing = Infinity
        else if (clearings.size === 0) clearing = index
        return
      case "Called": {
        if (isClearing(entry.command)) {
          clearings.add(entry.call)
          clearing = Infinity
        }
        if (call?.id === undefined) return
        for (const [other, one] of pending) if (other.id === call.id) one.writes++
        const record = records.get(call.id)
        const { _tag } = call.command
        if (record === undefined || record.desired.power === "deleted") return
        if (_tag === "Delete" || (_tag === "Stop" && record.desired.power !== "stopped")) {
          pending.set(call, { writes: calls.of(call.id).size, ignoredMillis: 0 })
        }
        return
      }
      case "Recorded":
        // What its writer never heard of takes nothing over.
        return entry.isHeard === false ? undefined : recorded(entry.id, entry.record, entry.atMillis)
      case "Removed":
      case "SetAside":
        records.delete(entry.id)
        return
      case "Acting":
        acts.set(entry.act, {
          id: entry.id,
          operation: entry.operation,
          atMillis: entry.atMillis,
          obsoleteMillis: undefined
        })
        return
      case "Acted": {
        const act = acts.get(entry.act)
        acts.delete(entry.act)
        if (act === undefined) return
        ignore(act, entry.atMillis)
        if (act.obsoleteMillis === undefined) return
        const tookMillis = entry.atMillis - act.obsoleteMillis
        if (tookMillis > cleanUpMillis(act.operation)) {
          complain(`${act.operation} of ${act.id} went on for ${tookMillis} ms after it was superseded`)
        }
        return
      }
      case "Answered":
      case "Abandoned": {
        if (clearings.delete(entry.call) && !isOnRecord) clearing = index
        if (call?.id === undefined) return
        pending.delete(call)
        if (entry._tag === "Answered") answered(call, entry.answer.ok ? "ok" : entry.answer.code, entry.atMillis)
        else if (taken.get(call.id)?.call === call) taken.delete(call.id)
        const over = lastOver.get(call.id) ?? new Map<Kind, number>()
        lastOver.set(call.id, over.set(call.command._tag, index))
        return
      }
      default:
        return
    }
  }
})
