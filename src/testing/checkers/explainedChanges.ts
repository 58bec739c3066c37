/**
 * No acknowledged command is lost, second half, and no record without an explanation: every change of what the disk says is
 * wanted has a cause. So what a command put there stays there until something takes it away that may.
 *
 * Causes are calls, those that remove all instances among them, and what befalls a guest. A call can have an effect from the moment it is called until it is answered;
 * where two calls overlap, either may be first. One that failed, was given up, or lost its launcher may have an effect later,
 * since its step can go on and fail, also under the next launcher: it lingers. It lingers no more when a call that came after
 * it, and that leaves nothing of it to go on, is acknowledged.
 *
 * Without a call, a start may end (its guest did, or a step failed: `ended` says so), and be followed by another of its restart
 * policy, as `restartPolicies` says; and a first start that never came to a launch is undone. A write whose writer never heard that it was done may be taken back by the next.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { equivalence } from "../../domain/InstanceSpec.ts"
import type { VolumeId } from "../../domain/Volume.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import { type Answer, type Call, type Entry, idOf, isClearing } from "../History.ts"

/** A call that may have an effect. */
interface Cause {
  readonly command: Call
  readonly incarnation: number
  readonly called: number
  /** The entry that answered it or gave it up. */
  over: number | undefined
  isAbandoned: boolean
}

type Kind = Call["_tag"]

/** Which calls, over before it was called, can have no effect any more once a command is acknowledged. */
const settles: Readonly<Record<Kind, ReadonlyArray<Kind>>> = {
  Create: [],
  Start: ["Start", "Restart", "Stop", "Delete"],
  Restart: ["Start", "Restart", "Stop", "Delete"],
  Stop: ["Start", "Restart", "Stop", "Delete", "Pause", "Resume", "Attach", "Detach"],
  Delete: ["Start", "Restart", "Stop", "Delete", "Pause", "Resume", "Attach", "Detach"],
  Pause: ["Pause", "Resume"],
  Resume: ["Pause", "Resume"],
  Attach: ["Attach", "Detach"],
  Detach: ["Attach", "Detach"],
  Get: [],
  Stats: [],
  List: [],
  Statistics: [],
  Orphans: [],
  Evacuate: [],
  Restore: [],
  Reset: [],
  Adopt: [],
  DestroyOrphan: []
}

/** Codes of commands that were refused before anything was done about them. */
const refusals: ReadonlyArray<string> = ["instance_exists", "already_attached"]

const volumeOf = (command: Call): VolumeId | undefined =>
  command._tag === "Attach" ? command.volume.id : command._tag === "Detach" ? command.volume : undefined

/** What is known of one instance. */
interface Subject {
  record: InstanceRecord | undefined
  /** The last record whose writer knows that it is there, where that is another. */
  heard: InstanceRecord | undefined
  causes: Array<Cause>
  /** When a start was called that was acknowledged. What removed all instances before has no effect any more. */
  settled: number
}

export const explainedChanges: Checker = make("no change of a record without a cause", (complain) => {
  const subjects = new Map<InstanceId, Subject>()
  const calls = new Map<number, { readonly cause: Cause; readonly subject: Subject }>()
  /** What removes all instances: while it is open, and after it failed or was given up, also those that come later. */
  let clearings: Array<Cause> = []
  const clearingCalls = new Map<number, Cause>()
  let task: string | null = null

  const subjectOf = (id: InstanceId): Subject => {
    const subject = subjects.get(id) ?? { record: undefined, heard: undefined, causes: [], settled: -1 }
    subjects.set(id, subject)
    return subject
  }

  const acknowledged = (subject: Subject, cause: Cause): void => {
    if (cause.command._tag === "Start") subject.settled = cause.called
    const kinds = settles[cause.command._tag]
    const volume = volumeOf(cause.command)
    subject.causes = subject.causes.filter((other) =>
      other !== cause && (
        other.over === undefined || other.over > cause.called || !kinds.includes(other.command._tag) ||
        (volume !== undefined && volumeOf(other.command) !== volume)
      )
    )
  }

  const over = (index: number, call: number, answer: Answer | undefined): void => {
    const clearing = clearingCalls.get(call)
    if (clearing !== undefined) clearing.over = index
    clearingCalls.delete(call)
    const found = calls.get(call)
    if (found === undefined) return
    calls.delete(call)
    const { cause, subject } = found
    cause.over = index
    if (answer?.ok === true) acknowledged(subject, cause)
    else if (answer !== undefined && refusals.includes(answer.code)) {
      subject.causes = subject.causes.filter((other) => other !== cause)
    }
  }

  /** A launcher is no more. Of what it was asked for, only steps that were under way can still have an effect. */
  const gone = (incarnation: number, index: number): void => {
    for (const [call, { cause }] of calls) {
      if (cause.incarnation !== incarnation) continue
      cause.over = index
      calls.delete(call)
    }
    clearings = []
    clearingCalls.clear()
    for (const subject of subjects.values()) {
      subject.causes = subject.causes.filter(({ command: { _tag }, incarnation: of }) =>
        of !== incarnation || _tag === "Attach" || _tag === "Detach" || _tag === "Pause" || _tag === "Resume"
      )
    }
  }

  const recorded = (id: InstanceId, next: InstanceRecord, isHeard: boolean): void => {
    const subject = subjectOf(id)
    const { heard, record } = subject
    const causes = [...subject.causes, ...clearings.filter(({ over = Infinity }) => over > subject.settled)]
    const reason = record === undefined ? unexplainedBirth(next, causes) : unexplained(record, next, causes)
    if (reason !== undefined && (heard === record || unexplainedSince(heard, next, causes) !== undefined)) {
      complain(`${id}: ${reason}`)
    }
    subject.record = next
    if (isHeard) subject.heard = next
  }

  return (entry: Entry, index) => {
    switch (entry._tag) {
      case "Began":
        // What it reads is what there is.
        for (const subject of subjects.values()) subject.heard = subject.record
        // The next launcher goes on with what was under way.
        if (task !== null) {
          const { incarnation } = entry
          clearings.push({
            command: { _tag: "Reset" },
            incarnation,
            called: index,
            over: undefined,
            isAbandoned: false
          })
        }
        return
      case "NodeRecorded":
        task = entry.record.task
        return
      case "Called": {
        const id = idOf(entry.command)
        const { command, incarnation } = entry
        if (isClearing(command)) {
          const clearing = { command, incarnation, called: index, over: undefined, isAbandoned: false }
          clearings.push(clearing)
          clearingCalls.set(entry.call, clearing)
        }
        if (
          id === undefined ||
          (settles[command._tag].length === 0 && command._tag !== "Adopt" && command._tag !== "Create")
        ) return
        const cause = { command, incarnation, called: index, over: undefined, isAbandoned: false }
        const subject = subjectOf(id)
        subject.causes.push(cause)
        calls.set(entry.call, { cause, subject })
        return
      }
      case "Abandoning": {
        const found = calls.get(entry.call)
        if (found !== undefined) found.cause.isAbandoned = true
        return
      }
      case "Answered":
        return over(index, entry.call, entry.answer)
      case "Abandoned":
        return over(index, entry.call, undefined)
      case "Crashed":
      case "Closed":
        return gone(entry.incarnation, index)
      case "Recorded":
        return recorded(entry.id, entry.record, entry.isHeard ?? true)
      case "Removed":
      case "SetAside": {
        const subject = subjectOf(entry.id)
        if (entry._tag === "Removed" && subject.record !== undefined) {
          const { boot, desired } = subject.record
          if (desired.power !== "deleted" && boot > 0) {
            complain(`${entry.id}: its record was removed, and it is wanted ${desired.power}`)
          }
        }
        subject.record = undefined
        subject.heard = undefined
        subject.causes = subject.causes.filter((cause) => cause.over === undefined)
        return
      }
      default:
        return
    }
  }
})

/** Whether there is a call of one of these kinds. One that removes all instances stops and deletes each. */
const has = (causes: ReadonlyArray<Cause>, ...kinds: ReadonlyArray<Kind>): boolean =>
  causes.some(({ command }) =>
    kinds.includes(command._tag) || (isClearing(command) && (kinds.includes("Stop") || kinds.includes("Delete")))
  )

const unexplainedSince = (
  before: InstanceRecord | undefined,
  next: InstanceRecord,
  causes: ReadonlyArray<Cause>
): string | undefined => before === undefined ? unexplainedBirth(next, causes) : unexplained(before, next, causes)

/** Why a first record should not be there. */
const unexplainedBirth = ({ boot, spec }: InstanceRecord, causes: ReadonlyArray<Cause>): string | undefined => {
  if (causes.some(({ command }) => command._tag === "Adopt" && equivalence(command.spec, spec))) return undefined
  if (!has(causes, "Create", "Start")) return "it is on record, and nobody asked for it"
  if (!causes.some(({ command }) => "spec" in command && equivalence(command.spec, spec))) {
    return "it is on record with a spec that nobody asked for"
  }
  return boot === 0 ? undefined : "its first record says that it was launched"
}

/** Why a record should not follow another. */
const unexplained = (
  before: InstanceRecord,
  next: InstanceRecord,
  causes: ReadonlyArray<Cause>
): string | undefined => {
  const { desired: { epoch, power, restarts, volumes } } = next
  const was = before.desired
  // Its restart policy may have had it started and end again before that could be written.
  const isOver = next.ended !== null && next.ended.epoch >= was.epoch && (before.ended?.epoch ?? 0) < was.epoch
  const isWithdrawn = causes.some(({ command, isAbandoned }) => command._tag === "Start" && isAbandoned)
  if (next.boot !== before.boot && next.boot !== epoch) {
    return `boot ${before.boot} became ${next.boot}, at start ${epoch}`
  }
  if (next.created !== before.created && (before.created || !has(causes, "Create"))) {
    return "whether it was created has changed, and nobody created it"
  }
  if (was.power === "deleted" && power !== "deleted") return `its delete was forgotten: it is wanted ${power}`

  const isPolicys = epoch !== was.epoch && restarts > 0
  // It may have come to more than one before that could be written.
  if (isPolicys && (epoch < was.epoch || (next.ended?.epoch ?? 0) < epoch - 1)) {
    return `its restart policy made start ${was.epoch} start ${epoch}, and that was not over`
  }
  if (epoch !== was.epoch && !isPolicys) {
    // Its restart policy may have asked for others meanwhile, which ended before that could be written.
    const isNext = epoch === was.epoch + 1 || (epoch > was.epoch && isOver && next.spec.restart !== "never")
    if (!isNext || power !== "running") return `start ${was.epoch} became start ${epoch}, ${power}`
    if (!has(causes, "Start", "Restart")) return `it was started again (${epoch}), and nobody asked for it`
    if (was.power !== "stopped" && !isOver && !isWithdrawn && !has(causes, "Restart")) {
      return `start ${epoch} came while it was wanted ${was.power}`
    }
  } else if (power !== was.power) {
    const change = `wanted ${was.power}, it came to be wanted ${power}`
    switch (power) {
      case "deleted": {
        const isFirst = epoch - restarts <= 1
        if (!has(causes, "Delete") && !(isFirst && !before.created && (before.boot === 0 || isWithdrawn))) {
          return `${change}: nobody deleted it`
        }
        break
      }
      case "stopped":
        if (!has(causes, "Stop") && !isOver && !isWithdrawn) return `${change}: nobody stopped it, and it had not ended`
        break
      case "running":
      case "paused":
        if (was.power === "stopped") return `${change} without being started`
        if (!has(causes, "Pause", "Resume", "Restart")) return `${change}: nobody asked for it`
    }
  }

  const gained = volumes.filter(({ id }) => !was.volumes.some((volume) => volume.id === id))
  const lost = was.volumes.filter(({ id }) => !volumes.some((volume) => volume.id === id))
  const stray = [...gained, ...lost].find(({ id }) => !causes.some(({ command }) => volumeOf(command) === id))
  return stray === undefined ? undefined : `volume ${stray.id} came or went, and nobody attached or detached it`
}
