/**
 * Nothing is lost silently: incarnations grow, the events of one are numbered without gaps and in the order of time, and a
 * snapshot with all events that follow it is how things are in the end.
 *
 * A follower that fell behind is told so, and gets a snapshot again. One that is slow may still read what a launcher told that was
 * closed in good order since; a crashed one tells nothing more.
 */
import { Schema } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import * as InstanceEvent from "../../domain/InstanceEvent.ts"
import { InstanceInfo } from "../../domain/InstanceInfo.ts"
import { type Checker, make } from "../Checker.ts"

const isEqual = Schema.toEquivalence(InstanceInfo)

const format = (info: InstanceInfo | undefined): string =>
  info === undefined
    ? "not there"
    : `${info.state._tag} in start ${info.starts} with ${info.volumes.map(({ id }) => id).join(" ") || "no volume"}`

export const numberedEvents: Checker = make("events without gaps", (complain) => {
  let incarnation = 0
  let isUp = false
  const closed = new Set<number>()
  /** The follower's: what it was told last, and how things are by that; absent before its first snapshot. */
  let view: InstanceEvent.View | undefined
  let sequence = 0
  let toldMillis = 0
  let hasLagged = false

  const compare = (instances: InstanceEvent.View, what: string): void => {
    if (view === undefined) return
    for (const id of new Set([...instances.keys(), ...view.keys()])) {
      const [is, seen] = [instances.get(id), view.get(id)]
      if (is === undefined || seen === undefined ? is !== seen : !isEqual(is, seen)) {
        complain(`${id} is ${format(is)} ${what}, and ${format(seen)} by its events`)
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
        if (view !== undefined && !hasLagged && entry.sequence === sequence) compare(entry.instances, "in a snapshot")
        view = entry.instances
        sequence = entry.sequence
        hasLagged = false
        return
      case "Told": {
        const { atMillis, incarnation: from, sequence: number } = entry.event
        if (closed.has(from)) return
        if (from !== incarnation || !isUp) {
          return complain(`event ${number} of launcher ${from} is told in ${incarnation}`)
        }
        if (view === undefined) return complain(`event ${number} is told before a snapshot`)
        if (number !== sequence + 1) complain(`event ${number} follows ${sequence}`)
        if (atMillis < toldMillis) complain(`event ${number} is of ${atMillis} ms, and follows one of ${toldMillis} ms`)
        sequence = number
        toldMillis = atMillis
        view = InstanceEvent.apply(view, entry.event)
        return
      }
      case "Settled": {
        const shown = new Map<InstanceId, InstanceInfo>()
        for (const { id, info } of entry.instances) if (info !== undefined) shown.set(id, info)
        return compare(shown, "in the end")
      }
      default:
        return
    }
  }
})
