/**
 * Instances move from state to state as the table of legal moves says, and nobody is told twice of the same.
 *
 * A new instance begins as `Pending`, or as `Stopping` where it was stopped or deleted before anything was done for it; one
 * that a launcher found on disk begins as `Unknown`. What was before a snapshot is for the snapshot to say. What a slow follower
 * still reads of a launcher before the one that lives is not looked at.
 */
import { Schema } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { InstanceState, moves } from "../../domain/InstanceState.ts"
import { type Checker, make } from "../Checker.ts"

const isEqualState = Schema.toEquivalence(InstanceState)

/** How an instance was shown last. */
interface Shown {
  readonly state: InstanceState
  readonly starts: number
}

export const legalMoves: Checker = make("legal moves only", (complain) => {
  const recorded = new Set<InstanceId>()
  /** What the launcher that begins finds. */
  let found = new Set<InstanceId>()
  let states = new Map<InstanceId, Shown>()
  let incarnation = 0

  const begins = (id: InstanceId, { _tag }: InstanceState): void => {
    if (_tag === "Pending" || _tag === "Stopping" || (_tag === "Unknown" && found.has(id))) return
    complain(`${id} begins as ${_tag}`)
  }

  return (entry) => {
    switch (entry._tag) {
      case "Recorded":
        recorded.add(entry.id)
        // It is adopted, as if it had been found.
        if (entry.record.revision === 1 && entry.record.boot > 0) found.add(entry.id)
        return
      case "Removed":
      case "SetAside":
        recorded.delete(entry.id)
        return
      case "Began":
        incarnation = entry.incarnation
        found = new Set(recorded)
        states = new Map()
        return
      case "Snapshot":
        if (entry.incarnation === incarnation) {
          states = new Map(entry.instances)
        }
        return
      case "Told": {
        const { change, id } = entry.event
        if (entry.event.incarnation !== incarnation) return
        const before = states.get(id)
        if (change._tag === "Deleted") {
          if (before === undefined) complain(`${id} is deleted, and was not there`)
          states.delete(id)
          found.delete(id)
        } else if (change._tag === "Added") {
          if (before === undefined) begins(id, change.instance.state)
          else complain(`${id} is added, and was there`)
          states.set(id, change.instance)
        } else if (change._tag === "StateChanged") {
          const { starts, state } = change
          if (before === undefined) complain(`${id} is ${state._tag}, and was not there`)
          else if (isEqualState(before.state, state) && before.starts === starts) {
            complain(`${id} is told to be ${state._tag} twice`)
          } else if (before.state._tag !== state._tag && !moves[before.state._tag].includes(state._tag)) {
            complain(`${id} went from ${before.state._tag} to ${state._tag}`)
          }
          states.set(id, change)
        } else if (before === undefined) {
          complain(`${id} changed (${change._tag}), and was not there`)
        }
        return
      }
      default:
        return
    }
  }
})
