/**
 * What happened in a simulation, in a line of words: what its trace shows, and what its hash is made of. Nothing in it differs
 * between two runs of one seed.
 */
import type { InstanceState } from "../domain/InstanceState.ts"
import type { InstanceRecord } from "../launcher/InstanceRecord.ts"
import { type Answer, type Call, idOf, type Left, type Occurrence } from "./History.ts"

/** An occurrence in words. */
export const format = (occurrence: Occurrence): string => {
  switch (occurrence._tag) {
    case "Began":
      return `launcher ${occurrence.incarnation} begins`
    case "Booted":
      return `launcher ${occurrence.incarnation} is there with ${listed(occurrence.instances.map(({ id }) => id))}` +
        (occurrence.unreadable.length === 0 ? "" : `, without ${listed(occurrence.unreadable)}`)
    case "Crashed":
      return `launcher ${occurrence.incarnation} crashed`
    case "Buried":
      return `launcher ${occurrence.incarnation} is buried, refused ${occurrence.refused}, left ${
        formatLeft(occurrence.left)
      }`
    case "Closing":
      return `launcher ${occurrence.incarnation} is being closed`
    case "Closed":
      return `launcher ${occurrence.incarnation} is closed, left ${formatLeft(occurrence.left)}`
    case "Called":
      return `client ${occurrence.client} asks ${occurrence.incarnation} (${occurrence.call}): ${
        formatCall(occurrence.command)
      }`
    case "Answered":
      return `answer (${occurrence.call}): ${formatAnswer(occurrence.answer)}`
    case "Abandoning":
      return `abandoning (${occurrence.call})`
    case "Abandoned":
      return `abandoned (${occurrence.call})`
    case "Spawned":
      return `${occurrence.id}: guest ${occurrence.pid} begins with ${listed(occurrence.volumes.map(({ id }) => id))}`
    case "Ended":
      return `${occurrence.id}: guest ${occurrence.pid} ends`
    case "Attached":
      return `${occurrence.id}: guest has ${occurrence.volume.id}`
    case "Detached":
      return `${occurrence.id}: guest let go of ${occurrence.volume}`
    case "Held":
      return `${occurrence.id}: guest is held`
    case "Thawed":
      return `${occurrence.id}: guest goes on`
    case "Acting":
      return `${occurrence.id}: ${occurrence.operation} (${occurrence.act})`
    case "Acted":
      return `${occurrence.how} (${occurrence.act})`
    case "Recorded":
      return `${occurrence.id}: recorded${occurrence.isHeard === false ? " unheard" : ""} ${
        formatRecord(occurrence.record)
      }`
    case "Removed":
      return `${occurrence.id}: record removed`
    case "SetAside":
      return `${occurrence.id}: record set aside`
    case "NodeRecorded":
      return `node: ${occurrence.record.maintenance ? "maintenance" : "in service"}, ${
        occurrence.record.task ?? "no task"
      }`
    case "Struck":
      return `${occurrence.id === undefined ? "" : `${occurrence.id}: `}fault ${occurrence.fault}`
    case "Violated":
      return `violated: ${occurrence.detail}`
    case "Told":
      return `${occurrence.event.id}: event ${occurrence.event.sequence} ${
        occurrence.event.change._tag === "StateChanged"
          ? formatState(occurrence.event.change.state)
          : occurrence.event.change._tag === "Added"
          ? formatState(occurrence.event.change.instance.state)
          : occurrence.event.change._tag
      }`
    case "Snapshot":
      return `snapshot ${occurrence.sequence}`
    case "Lagged":
      return `fell behind by ${occurrence.missed ?? "what is not known"}`
    case "Remains":
      return `${occurrence.id}: left ${listed(occurrence.what)}`
    case "Calmed":
      return "calm from now on"
    case "Settled":
      return `settled: ${
        occurrence.instances.map(({ guest, id, info, record, remains }) =>
          `${id} ${record === undefined ? "without record" : formatRecord(record)} ${
            info === undefined ? "without state" : formatState(info.state)
          } ${guest === undefined ? "without guest" : `guest ${guest.pid} with ${listed(guest.volumes)}`} ${
            listed(remains)
          }`
        ).join("; ")
      }`
  }
}

const listed = (words: ReadonlyArray<string>): string => words.length === 0 ? "nothing" : words.join(", ")

const formatState = (state: InstanceState): string =>
  state._tag === "Failed" ? `Failed in ${state.phase}: ${state.reason}` : state._tag

const formatRecord = ({ boot, connectedMillis, desired, ended, revision }: InstanceRecord): string =>
  `${revision}: ${desired.power} ${desired.epoch}, boot ${boot}${
    connectedMillis === null ? "" : " connected"
  }, volumes ${listed(desired.volumes.map(({ id }) => id))}${
    ended === null ? "" : `, ${ended.epoch} ${ended.outcome._tag}`
  }`

const formatCall = (call: Call): string => {
  switch (call._tag) {
    case "Attach":
      return `attach ${call.volume.id} to ${call.id}`
    case "Detach":
      return `detach ${call.volume} from ${call.id}`
    default:
      return `${call._tag.toLowerCase()} ${idOf(call) ?? "the node"}`
  }
}

const formatLeft = ({ fibers, timers }: Left): string => `${fibers} fibers and ${timers} timers`

const formatAnswer = (answer: Answer): string => answer.ok ? "ok" : answer.code
