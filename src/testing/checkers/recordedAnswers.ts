/**
 * No acknowledged command is lost, first half: when a command is acknowledged, the disk has said so at some moment since it
 * was called. (The other half is `explainedChanges`: what the disk says changes for a reason only.)
 *
 * A start that its client gave up is taken back: when the interruption has returned, the disk has said so too. Excused is one
 * that was not its caller's alone, or its restart policy's, one whose launcher closed meanwhile, which takes nothing back, and one that could not be
 * undone within the time that the launcher takes for it.
 */
import { Duration } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import type { Call } from "../History.ts"
import { Calls, type OpenCall } from "./Calls.ts"

/** Whether a record, or that there is none, says what a command asked for. */
const says = (command: Call, record: InstanceRecord | undefined): boolean => {
  switch (command._tag) {
    case "Start":
    case "Restart":
    case "Adopt":
      return record?.desired.power === "running" || record?.desired.power === "paused"
    case "Stop":
      return record?.desired.power === "stopped"
    case "Create":
      return record !== undefined
    case "Delete":
      return record === undefined
    case "Pause":
      return record?.desired.power === "paused"
    case "Resume":
      return record?.desired.power === "running"
    case "Attach":
      return record?.desired.volumes.some(({ id }) => id === command.volume.id) ?? false
    case "Detach":
      return record !== undefined && !record.desired.volumes.some(({ id }) => id === command.volume)
    case "DestroyOrphan":
      return record === undefined
    case "Get":
    case "Stats":
    case "List":
    case "Statistics":
    case "Orphans":
    case "Evacuate":
    case "Restore":
    case "Reset":
      return true
  }
}

const asksForStart = ({ _tag }: Call): boolean => _tag === "Start" || _tag === "Restart"

/** What is known of an open call. */
interface Watched {
  /** Whether the disk has said what it asked for. */
  said: boolean
  /** Of a start: whether it is the one that the disk was told of, and nobody else's. */
  owns: boolean
  isShared: boolean
  /** Of a start that is being given up: whether the disk has said since that it is not wanted. */
  takenBack: boolean
}

export const recordedAnswers: Checker = make("an acknowledged command is on record", (complain) => {
  const calls = new Calls()
  const watched = new Map<number, Watched>()
  const records = new Map<InstanceId, InstanceRecord>()
  let withdrawalMillis = 0
  let isClosing = false

  const isWanted = (id: InstanceId): boolean => {
    const record = records.get(id)
    return record !== undefined && (record.desired.power === "running" || record.desired.power === "paused")
  }

  const update = (id: InstanceId, record: InstanceRecord | undefined): void => {
    const before = records.get(id)
    if (record === undefined) records.delete(id)
    else records.set(id, record)
    const isNext = record !== undefined && record.desired.epoch > (before?.desired.epoch ?? 0)
    // What its restart policy started is nobody's to take back.
    const isStart = isNext && record.desired.restarts === 0
    for (const { abandoningMillis, call, command } of calls.of(id)) {
      const one = watched.get(call)
      if (one === undefined) continue
      // The next start says that the one before was stopped.
      one.said ||= says(command, record) || (command._tag === "Stop" && isNext)
      if (command._tag !== "Start") continue
      if (abandoningMillis === undefined) one.owns ||= isStart
      else one.takenBack ||= !isWanted(id)
    }
  }

  const begin = ({ call, command, id }: OpenCall): void => {
    const one: Watched = {
      said: says(command, id === undefined ? undefined : records.get(id)),
      owns: false,
      isShared: false,
      takenBack: false
    }
    watched.set(call, one)
    if (id === undefined || !asksForStart(command)) return
    for (const other of calls.of(id)) {
      const shared = asksForStart(other.command) ? watched.get(other.call) : undefined
      if (shared === undefined || shared === one) continue
      one.isShared = true
      shared.isShared = true
    }
  }

  return (entry, index) => {
    const call = calls.look(entry, index)
    const one = call === undefined ? undefined : watched.get(call.call)
    switch (entry._tag) {
      case "Began": {
        const { deleteDeadline, stopDeadline } = entry.config
        withdrawalMillis = Duration.toMillis(deleteDeadline) + Duration.toMillis(stopDeadline)
        isClosing = false
        return
      }
      case "Closing":
        isClosing = true
        return
      case "Called":
        if (call !== undefined) begin(call)
        return
      case "Recorded":
        return update(entry.id, entry.record)
      case "Removed":
      case "SetAside":
        return update(entry.id, undefined)
      case "Abandoning":
        if (one !== undefined && call?.id !== undefined) one.takenBack = !isWanted(call.id)
        return
      case "Answered":
        watched.delete(entry.call)
        if (entry.answer.ok && one?.said === false && call !== undefined) {
          complain(
            `${call.command._tag} of ${call.id} (${entry.call}) was acknowledged, and the disk never said so: it says ${
              call.id === undefined ? "nothing" : records.get(call.id)?.desired.power ?? "nothing"
            }`
          )
        }
        return
      case "Abandoned": {
        watched.delete(entry.call)
        if (one === undefined || call?.abandoningMillis === undefined || isClosing) return
        if (!one.owns || one.isShared || one.takenBack) return
        if (entry.atMillis - call.abandoningMillis >= withdrawalMillis) return
        complain(`start of ${call.id} (${entry.call}) was given up, and the disk never said so`)
        return
      }
      case "Crashed":
        watched.clear()
        return
      default:
        return
    }
  }
})
