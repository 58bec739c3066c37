/**
 * Once nothing fails any more, every instance comes to be as desired: its guest runs, is paused or is gone, has its volumes,
 * nothing is half done, and what the launcher shows is what is on record and on the host.
 *
 * Excused is a guest that stopped by itself, such as on a full disk: it goes on when somebody asks it to; and what a launcher
 * left half done that died, of an instance that is stopped: its next start or its end sweeps it. What records that were set
 * aside leave behind is for people to remove; whoever records has done so before he looks.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceState, Tag } from "../../domain/InstanceState.ts"
import type { InstanceRecord } from "../../launcher/InstanceRecord.ts"
import { type Checker, make } from "../Checker.ts"
import type { SettledInstance } from "../History.ts"

export const asDesired: Checker = make("as desired in the end", (complain) => {
  const held = new Set<InstanceId>()

  const look = (instance: SettledInstance): void => {
    const { guest, id, info, record, remains } = instance
    const state = info?.state
    if (record === undefined) {
      if (state !== undefined) complain(`${id} is not on record, and is shown as ${state._tag}`)
      if (guest !== undefined) complain(`${id} is not on record, and guest ${guest.pid} lives`)
      if (remains.length > 0) complain(`${id} is not on record, and there is still: ${remains.join(", ")}`)
      return
    }
    const partial = remains.filter((what) => what.startsWith("partial"))
    if (partial.length > 0 && record.desired.power !== "stopped") complain(`${id}: half done: ${partial.join(", ")}`)
    if (state === undefined) return complain(`${id} is on record, and is not shown`)
    const { power } = record.desired
    if (power === "deleted") return complain(`${id} is wanted deleted, and is there`)
    if (power === "stopped") {
      if (guest !== undefined) complain(`${id} is wanted stopped, and guest ${guest.pid} lives`)
      const rest = atRest(record)
      if (state._tag !== rest) complain(`${id} is ${rest} by its record, and is shown as ${state._tag}`)
      return
    }
    if (guest === undefined) return complain(`${id} is wanted ${power}, and has no guest`)
    if (guest.paused !== (power === "paused") && !(guest.paused && held.has(id))) {
      complain(`${id} is wanted ${power}, and its guest is ${guest.paused ? "paused" : "not paused"}`)
    }
    if (!isShown(state, guest.paused)) {
      complain(`${id} is shown as ${state._tag}, and its guest is ${guest.paused ? "paused" : "running"}`)
    }
    const wanted = record.desired.volumes.map((volume) => volume.id).sort().join(" ")
    const had = [...guest.volumes].sort().join(" ")
    if (wanted !== had) complain(`${id} is wanted with volumes ${wanted || "none"}, and its guest has ${had || "none"}`)
  }

  return (entry) => {
    switch (entry._tag) {
      case "Held":
        held.add(entry.id)
        return
      case "Spawned":
      case "Thawed":
        held.delete(entry.id)
        return
      case "Settled":
        return entry.instances.forEach(look)
      default:
        return
    }
  }
})

const isShown = ({ _tag }: InstanceState, isPaused: boolean): boolean => _tag === (isPaused ? "Paused" : "Running")

/** How an instance that is wanted stopped is shown, by its record. */
const atRest = ({ desired, ended }: InstanceRecord): Tag => {
  if (ended === null || ended.epoch < desired.epoch) return "Stopped"
  return ended.outcome._tag
}
