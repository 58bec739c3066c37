import { describe, it } from "@effect/vitest"
import { explainedChanges } from "../../../src/testing/checkers/explainedChanges.ts"
import {
  abandoned,
  abandoning,
  attach,
  began,
  breaks,
  called,
  crashed,
  create,
  data,
  detach,
  failed,
  holds,
  ok,
  pause,
  record,
  recorded,
  remove,
  removed,
  resume,
  setAside,
  start,
  stop
} from "./tales.ts"

const volumes = [{ id: data }]
const exit = { epoch: 1, outcome: { _tag: "Exited", status: { _tag: "PoweredOff" } } } as const
const runs = recorded(record("running", { boot: 1 }))
const rests = recorded(record("stopped", { boot: 1 }))
const goes = recorded(record("deleted", { boot: 1 }))
const pauses = recorded(record("paused", { boot: 1 }))
const withData = recorded(record("running", { boot: 1, volumes }))
/** A start that came about. */
const up = [began(1), called(1, start()), recorded(record("running")), runs, ok(1)]

describe("no change of a record without a cause", () => {
  it("holds for a life in which everything is asked for", () => {
    holds(explainedChanges, ...up, called(2, pause), pauses, ok(2), called(3, resume), runs, ok(3))
    holds(explainedChanges, ...up, called(2, attach), withData, ok(2), called(3, detach), runs, ok(3))
    holds(explainedChanges, ...up, called(2, stop), rests, ok(2), called(3, remove), goes, removed, ok(3))
    const again = record("running", { boot: 1, epoch: 2 })
    holds(explainedChanges, ...up, called(2, stop), rests, ok(2), called(3, start()), recorded(again), ok(3))
  })

  it("holds where a guest ended by itself, and where a first start was undone", () => {
    holds(explainedChanges, ...up, recorded(record("stopped", { boot: 1, ended: exit })))
    holds(explainedChanges, called(1, start()), recorded(record("running")), recorded(record("deleted")), removed)
  })

  it("holds in either order of two calls that overlap", () => {
    holds(explainedChanges, ...up, called(2, pause), called(3, resume), pauses, runs, ok(2), ok(3))
    holds(explainedChanges, ...up, called(2, pause), called(3, resume), ok(3), pauses, ok(2))
  })

  it("holds where a call has its effect after it failed, was given up, or lost its launcher", () => {
    holds(explainedChanges, ...up, called(2, attach), withData, failed(2, "timed_out"), runs)
    holds(explainedChanges, ...up, called(2, stop), abandoning(2), abandoned(2), rests)
    holds(explainedChanges, ...up, called(2, attach), withData, crashed(1), began(2), runs)
    holds(explainedChanges, ...up, called(2, stop), rests, crashed(1), began(2))
  })

  it("holds where a write that nobody heard of is taken back", () => {
    holds(
      explainedChanges,
      ...up,
      called(2, stop),
      recorded(record("stopped", { boot: 1 }), false),
      failed(2, "state_failure"),
      runs
    )
  })

  it("is broken by a record that nobody asked for", () => {
    breaks(explainedChanges, /it is on record, and nobody asked for it/, recorded(record("running")))
    breaks(explainedChanges, /spec that nobody asked for/, called(1, start({ vcpus: 2 })), recorded(record("running")))
    breaks(
      explainedChanges,
      /it is on record, and nobody asked for it/,
      ...up,
      called(2, remove),
      goes,
      removed,
      ok(2),
      recorded(record("running"))
    )
  })

  it("holds for what is created, and stays when its first start fails", () => {
    const created = (power: "running" | "stopped" | "deleted", epoch: number) => ({
      ...record(power, { epoch }),
      created: true
    })
    const over = { ...created("stopped", 1), ended: exit }
    const before = [
      called(1, create),
      recorded(created("stopped", 0)),
      ok(1),
      called(2, start()),
      recorded(created("running", 1))
    ]
    holds(explainedChanges, ...before, recorded(over))
    breaks(explainedChanges, /nobody deleted it/, ...before, recorded(created("deleted", 1)))
    breaks(
      explainedChanges,
      /nobody created it/,
      called(1, start()),
      recorded(created("running", 1)),
      recorded(record("running"))
    )
  })

  it("is broken by what takes an acknowledged command back", () => {
    breaks(explainedChanges, /without being started/, ...up, called(2, stop), rests, ok(2), runs)
    breaks(explainedChanges, /nobody stopped it/, ...up, rests)
    breaks(explainedChanges, /nobody deleted it/, ...up, goes)
    breaks(explainedChanges, /nobody asked for it/, ...up, called(2, pause), pauses, ok(2), runs)
    breaks(explainedChanges, /nobody attached or detached/, ...up, called(2, attach), withData, ok(2), runs)
    breaks(explainedChanges, /delete was forgotten/, ...up, called(2, remove), goes, crashed(1), began(2), runs)
    breaks(
      explainedChanges,
      /started again/,
      ...up,
      called(2, stop),
      rests,
      ok(2),
      recorded(record("running", { boot: 1, epoch: 2 }))
    )
  })

  it("is broken by a call of a launcher that is gone, and by one that was over before", () => {
    breaks(explainedChanges, /nobody stopped it/, ...up, called(2, stop), crashed(1), began(2), rests)
    breaks(
      explainedChanges,
      /nobody stopped it/,
      ...up,
      called(2, stop),
      abandoning(2),
      abandoned(2),
      called(3, start()),
      ok(3),
      rests
    )
  })

  it("is broken by a record that goes while its instance is wanted", () => {
    breaks(explainedChanges, /was removed/, ...up, removed)
    holds(explainedChanges, ...up, setAside)
  })

  it("is broken by a boot that is not the start's", () => {
    breaks(explainedChanges, /boot 1 became 7/, ...up, recorded(record("running", { boot: 7 })))
  })
})
