/**
 * Nothing is lost silently: incarnations grow, the events of one are numbered without gaps and in the order of time, and a
 * snapshot with all events that follow it is how things are in the end.
 *
 * A follower that fell behind is told so, and gets a snapshot again. One that is slow may still read what a launcher told that was
 * closed in good order since; a crashed one tells nothing more.
 */
import { Schema } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { InstanceState } from "../../domain/InstanceState.ts"
import { type Checker, make } from "../Checker.ts"

const isEqualState = Schema.toEquivalence(InstanceState)

export const numberedEvents: Checker = make("events without gaps", (complain) => {
  let incarnation = 0
  let isUp = false
  const closed = new Set<number>()
  /** The follower's: what it was told last, and how things are by that; absent before its first snapshot. */
  let view: Map<InstanceId, InstanceState> | undefined
  let sequence = 0
  let toldMillis = 0
  let hasLagged = false

  const compare = (states: ReadonlyMap<InstanceId, InstanceState>, what: string): void => {
    if (view === undefined) return
    for (const id of new Set([...states.keys(), ...view.keys()])) {
      const [is, seen] = [states.get(id), view.get(id)]
      const isEqual = is === undefined || seen === undefined ? is === seen : isEqualState(is, seen)
      if (!isEqual) {
        complain(`${id} is ${is?._tag ?? "not there"} ${what}, and ${seen?._tag ?? "not there"} by its events`)
      }
    }
  }

  return (entry) => {
    switch (entry._tag) {
      case "Began":
        if (entry.incarnation <= incarnation) complain(`launcher ${entry.incarnation} follows ${incarnation}`)
        incarnation = entry.incarnation
        isUp = true
        view = undefined
        hasLagged = false
        return
      case "Crashed":
      case "Closed":
        if (entry._tag === "Closed") closed.add(entry.incarnation)
        if (entry.incarnation === incarnation) isUp = false
        return
      case "Lagged":
        if (entry.incarnation === incarnation) hasLagged = true
        return
      case "Snapshot":
        if (closed.has(entry.incarnation)) return
        if (entry.incarnation !== incarnation) complain(`a snapshot of launcher ${entry.incarnation} in ${incarnation}`)
        if (view !== undefined && entry.sequence < sequence) complain(`snapshot ${entry.sequence} after ${sequence}`)
        if (view !== undefined && !hasLagged && entry.sequence === sequence) compare(entry.states, "in a snapshot")
        view = new Map(entry.states)
        sequence = entry.sequence
        hasLagged = false
        return
      case "Told": {
        const { atMillis, change, id, incarnation: from, sequence: number } = entry.event
        if (closed.has(from)) return
        if (from !== incarnation || !isUp) {
          return complain(`event ${number} of launcher ${from} is told in ${incarnation}`)
        }
        if (view === undefined) return complain(`event ${number} is told before a snapshot`)
        if (number !== sequence + 1) complain(`event ${number} follows ${sequence}`)
        if (atMillis < toldMillis) complain(`event ${number} is of ${atMillis} ms, and follows one of ${toldMillis} ms`)
        sequence = number
        toldMillis = atMillis
        if (change._tag === "Deleted") view.delete(id)
        if (change._tag === "StateChanged") view.set(id, change.state)
        return
      }
      case "Settled": {
        const states = new Map<InstanceId, InstanceState>()
        for (const { id, state } of entry.instances) if (state !== undefined) states.set(id, state)
        return compare(states, "in the end")
      }
      default:
        return
    }
  }
})
