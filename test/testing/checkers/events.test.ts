import { describe, it } from "@effect/vitest"
import { legalMoves } from "../../../src/testing/checkers/legalMoves.ts"
import { numberedEvents } from "../../../src/testing/checkers/numberedEvents.ts"
import {
  added,
  began,
  breaks,
  closed,
  crashed,
  holds,
  info,
  record,
  recorded,
  removed,
  running,
  settled,
  snapshot,
  stopped,
  told
} from "./tales.ts"

const pending = { _tag: "Pending" } as const
const preparing = { _tag: "Preparing" } as const
const unknown = { _tag: "Unknown", sinceMillis: 0, why: "silence" } as const
const failure = { _tag: "Failed", phase: "launch", reason: "launch_failure", detail: "one" } as const

describe("legal moves only", () => {
  it("holds for a life, and for one that a launcher found", () => {
    const life = [pending, preparing, { _tag: "Starting" }, running, { _tag: "Stopping" }, stopped] as const
    holds(
      legalMoves,
      began(1),
      snapshot(0),
      ...life.map((state, index) => (index === 0 ? added : told)(index + 1, state)),
      told(7, "Deleted")
    )
    holds(legalMoves, began(1), recorded(record("running")), began(2), snapshot(0), added(1, unknown), told(2, running))
    holds(legalMoves, began(1), snapshot(0, { a1: running }), told(1, "Rebooted"), told(2, stopped))
    holds(legalMoves, began(1), snapshot(0, { a1: failure }), told(1, { ...failure, detail: "two" }), told(2, unknown))
    holds(legalMoves, began(1), snapshot(0, { a1: running }), told(1, "Deleted"), added(2, pending))
    holds(legalMoves, began(1), snapshot(0), began(2), told(1, running))
  })

  it("is broken by a move that the table does not have", () => {
    breaks(legalMoves, /from Pending to Running/, began(1), snapshot(0), added(1, pending), told(2, running))
    breaks(legalMoves, /from Stopped to Running/, began(1), snapshot(0, { a1: stopped }), told(1, running))
  })

  it("is broken by a state that is told twice", () => {
    breaks(legalMoves, /Running twice/, began(1), snapshot(0, { a1: running }), told(1, running))
  })

  it("is broken by an instance that begins in the middle, or ends twice", () => {
    breaks(legalMoves, /begins as Running/, began(1), snapshot(0), added(1, running))
    breaks(legalMoves, /begins as Unknown/, began(1), snapshot(0), added(1, unknown))
    breaks(
      legalMoves,
      /begins as Unknown/,
      recorded(record("stopped")),
      removed,
      began(1),
      snapshot(0),
      added(1, unknown)
    )
    breaks(legalMoves, /was not there/, began(1), snapshot(0), told(1, "Deleted"))
    breaks(legalMoves, /was not there/, began(1), snapshot(0), told(1, "Rebooted"))
  })
})

describe("events without gaps", () => {
  const up = [began(1), snapshot(3, { a1: stopped })]

  it("holds where every number comes, in the order of time, and the view is right", () => {
    holds(
      numberedEvents,
      ...up,
      added(4, pending, { atMillis: 5 }),
      told(5, running, { atMillis: 5 }),
      settled({ info: info(running) })
    )
    holds(numberedEvents, ...up, told(4, "Deleted"), settled())
    holds(
      numberedEvents,
      ...up,
      { _tag: "Lagged", incarnation: 1, missed: 4 },
      snapshot(9, { a1: running }),
      told(10, stopped)
    )
    holds(numberedEvents, ...up, crashed(1), began(2))
    holds(numberedEvents, ...up, closed(1), told(4, running), began(2), told(5, stopped))
  })

  it("is broken by a gap, a repetition, and an event out of time", () => {
    breaks(numberedEvents, /event 5 follows 3/, ...up, told(5, running))
    breaks(numberedEvents, /event 3 follows 3/, ...up, told(3, running))
    breaks(numberedEvents, /of 1 ms/, ...up, added(4, pending, { atMillis: 5 }), told(5, running, { atMillis: 1 }))
  })

  it("is broken by a snapshot, or an end, that the events did not tell", () => {
    breaks(
      numberedEvents,
      /is Running in start 1 with no volume in the end, and Stopped in start 1/,
      ...up,
      settled({ info: info(running) })
    )
    breaks(numberedEvents, /not there in the end/, ...up, settled())
    breaks(numberedEvents, /in a snapshot/, ...up, snapshot(3, { a1: running }))
    breaks(numberedEvents, /snapshot 2 after 3/, ...up, snapshot(2))
  })

  it("is broken by who tells without being there, and by an incarnation that does not grow", () => {
    breaks(numberedEvents, /of launcher 1 is told/, ...up, crashed(1), told(4, running))
    breaks(numberedEvents, /of launcher 1 is told/, ...up, crashed(1), began(2), told(4, running))
    breaks(numberedEvents, /before a snapshot/, began(1), told(1, running))
    breaks(numberedEvents, /launcher 1 follows 1/, ...up, crashed(1), began(1))
  })
})
