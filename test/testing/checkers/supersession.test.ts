import { describe, it } from "@effect/vitest"
import { supersession } from "../../../src/testing/checkers/supersession.ts"
import type { Occurrence } from "../../../src/testing/History.ts"
import {
  abandoned,
  acted,
  acting,
  attach,
  began,
  breaks,
  called,
  crashed,
  detach,
  failed,
  holds,
  ok,
  pause,
  record,
  recorded,
  remove,
  removed,
  start,
  stop
} from "./tales.ts"

const runs = recorded(record("running", { boot: 1 }))
const rests = recorded(record("stopped", { boot: 1 }))
const goes = recorded(record("deleted", { boot: 1 }))
/** A start that is taken up, and whose launch hangs. */
const hangs = [began(1), called(1, start()), recorded(record("running")), runs, acting(1, "start")]

describe("the stronger command takes over at once", () => {
  it("holds where a hung step is cut short, and its caller told so", () => {
    holds(
      supersession,
      ...hangs,
      called(2, remove),
      3,
      goes,
      500,
      acted(1, "interrupted"),
      failed(1, "superseded"),
      removed,
      ok(2)
    )
    holds(
      supersession,
      ...hangs,
      called(2, stop),
      3,
      rests,
      500,
      acted(1, "interrupted"),
      failed(1, "superseded"),
      ok(2)
    )
    holds(supersession, ...hangs, called(2, stop), rests, crashed(1))
  })

  it("holds for a step that leads to what is wanted now", () => {
    holds(supersession, began(1), runs, acting(1, "kill"), called(2, stop), rests, 20_000, acted(1), ok(2))
    const watched = recorded(record("stopped", { boot: 1, connectedMillis: 2_000 }))
    holds(supersession, began(1), runs, acting(1, "connect"), called(2, stop), watched, 29_000, acted(1), ok(2))
  })

  it("holds for a fetch that the next start goes on with, and not for a launch", () => {
    const again = recorded(record("running", { epoch: 2, revision: 3 }))
    const overtaken = [called(2, stop), rests, called(3, start()), again]
    const began1 = [began(1), called(1, start()), recorded(record("running"))]
    holds(supersession, ...began1, acting(1, "image"), ...overtaken, failed(1, "superseded"), 60_000, acted(1), ok(3))
    breaks(supersession, /start of a1 went on/, ...hangs, ...overtaken, 60_000, acted(1), failed(1, "superseded"))
  })

  it("holds where a start had been answered, or had failed, in that moment", () => {
    holds(supersession, ...hangs, acted(1), called(2, stop), rests, ok(1))
    holds(
      supersession,
      began(1),
      called(1, start()),
      recorded(record("running")),
      called(2, remove),
      recorded(record("deleted")),
      9,
      failed(1, "image_failure")
    )
  })

  it("is broken by a step that goes on", () => {
    breaks(
      supersession,
      /start of a1 went on for 30000 ms/,
      ...hangs,
      called(2, remove),
      goes,
      30_000,
      acted(1, "failed"),
      failed(1, "superseded")
    )
    breaks(
      supersession,
      /stop of a1 went on/,
      began(1),
      rests,
      acting(1, "stop"),
      called(2, remove),
      goes,
      20_000,
      acted(1),
      ok(2)
    )
    breaks(
      supersession,
      /connect of a1 went on/,
      began(1),
      runs,
      acting(1, "connect"),
      called(2, stop),
      rests,
      30_000,
      acted(1),
      ok(2)
    )
  })

  it("is broken by a command that waits for the step under way", () => {
    breaks(
      supersession,
      /not considered for 90000 ms/,
      ...hangs,
      called(2, remove),
      90_000,
      acted(1, "failed"),
      goes,
      failed(1, "superseded")
    )
  })

  it("is broken by a caller that is told something else", () => {
    const superseded = [...hangs, called(2, remove), goes, 500, acted(1, "interrupted")]
    breaks(supersession, /was told no_instance/, ...superseded, failed(1, "no_instance"))
    breaks(supersession, /was told ok/, ...superseded, ok(1))
    breaks(
      supersession,
      /was told launch_failure/,
      ...hangs,
      called(2, stop),
      rests,
      500,
      acted(1),
      failed(1, "launch_failure")
    )
  })

  it("is broken by a supersession that nobody asked for", () => {
    breaks(supersession, /superseded by nobody/, ...hangs, failed(1, "superseded"))
    breaks(
      supersession,
      /superseded by nobody/,
      began(1),
      called(1, remove),
      ok(1),
      called(2, start()),
      failed(2, "superseded")
    )
    breaks(
      supersession,
      /superseded by nobody/,
      began(1),
      called(1, attach),
      called(2, start()),
      failed(1, "superseded")
    )
    holds(supersession, began(1), called(1, attach), called(2, detach), ok(2), failed(1, "superseded"))
  })

  it("holds for a reset on record, which goes on when a launcher has died, and its caller has given up", () => {
    const node = (task: "reset" | null): Occurrence => ({
      _tag: "NodeRecorded",
      record: { version: 1, maintenance: false, task }
    })
    const left = [
      began(1),
      called(1, { _tag: "Reset" }),
      node("reset"),
      crashed(1),
      began(2),
      called(2, { _tag: "Reset" }, 2),
      abandoned(2),
      crashed(2),
      began(3)
    ]
    holds(supersession, ...left, called(3, pause, 3), failed(3, "superseded"))
    breaks(supersession, /superseded by nobody/, ...left, node(null), called(3, pause, 3), failed(3, "superseded"))
  })
})
