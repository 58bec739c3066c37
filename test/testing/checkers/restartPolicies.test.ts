import { describe, it } from "@effect/vitest"
import type { InstanceRecord, Outcome } from "../../../src/launcher/InstanceRecord.ts"
import { restartPolicies } from "../../../src/testing/checkers/restartPolicies.ts"
import { spec } from "../../launcher/TestNode.ts"
import { began, breaks, holds, it1, record, recorded } from "./tales.ts"

const panicked: Outcome = { _tag: "Exited", status: { _tag: "Panicked" } }
const always = spec("a1", { restart: "always" })
const never = spec("a1")
const runs = (of = always, restarts = 0) =>
  record("running", { spec: of, epoch: restarts + 1, boot: restarts + 1, restarts })

/** The record of an instance that is to be started again. */
const again = (restarts: number, waitMillis: number, of = always): InstanceRecord => {
  const next = record("running", {
    spec: of,
    epoch: restarts + 1,
    boot: restarts,
    restarts,
    ended: { epoch: restarts, outcome: panicked }
  })
  return { ...next, desired: { ...next.desired, notBeforeMillis: waitMillis } }
}
const rests = (of = always, outcome: Outcome = panicked, epoch = 1) =>
  record("stopped", { spec: of, epoch, boot: epoch, ended: { epoch, outcome } })
const loop: Outcome = { _tag: "Failed", phase: "run", code: "crash_loop", detail: "again and again" }

describe("the restart policy is kept", () => {
  it("holds where what ended is started again, and where it is left", () => {
    holds(restartPolicies, began(1), recorded(runs()), recorded(again(1, 1_000)))
    holds(restartPolicies, began(1), recorded(runs()), recorded(again(1, 0)))
    holds(restartPolicies, began(1), recorded(runs(never)), recorded(rests(never)))
    holds(restartPolicies, began(1), recorded(runs(always, 10)), recorded(rests(always, loop, 11)))
  })

  it("is broken by what is started again, or not, against it", () => {
    breaks(
      restartPolicies,
      /under never, it is started again/,
      began(1),
      recorded(runs(never)),
      recorded(again(1, 1_000, never))
    )
    breaks(restartPolicies, /under always, it is not started again/, began(1), recorded(runs()), recorded(rests()))
  })

  it("is broken by a wait that is too long, and by one that is cut short", () => {
    breaks(restartPolicies, /waits until 9000 ms/, began(1), recorded(runs()), recorded(again(1, 9_000)))
    breaks(
      restartPolicies,
      /is launched 1000 ms before it may be/,
      began(1),
      recorded(runs()),
      recorded(again(1, 1_000)),
      { _tag: "Spawned", id: it1, pid: 7, volumes: [] }
    )
  })

  it("is broken by what is given up too early, or never", () => {
    breaks(
      restartPolicies,
      /given up after 2 restarts/,
      began(1),
      recorded(runs(always, 2)),
      recorded(rests(always, loop, 3))
    )
    breaks(restartPolicies, /gave it up/, began(1), recorded(runs(never)), recorded(rests(never, loop)))
    breaks(restartPolicies, /11 times in a row/, began(1), recorded(runs(always, 10)), recorded(again(11, 0)))
  })
})
