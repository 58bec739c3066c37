import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import type { InstanceRecord, Outcome } from "../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import * as RestartPolicy from "../../src/launcher/RestartPolicy.ts"
import { now, record } from "./situations.ts"
import { spec } from "./TestNode.ts"

const limits = LauncherConfig.make({ restartsMax: 5 })
const poweredOff: Outcome = { _tag: "Exited", status: { _tag: "PoweredOff" } }
const panicked: Outcome = { _tag: "Exited", status: { _tag: "Panicked" } }
const stopped: Outcome = { _tag: "Stopped", status: { _tag: "PoweredOff" } }
const failed: Outcome = { _tag: "Failed", phase: "launch", code: "launch_failure", detail: "no" }

const of = (restart: "never" | "on-failure" | "always", more: Parameters<typeof record>[0] = {}): InstanceRecord =>
  record({ spec: spec("a1", { restart }), ...more })

const after = (before: InstanceRecord, outcome: Outcome) => RestartPolicy.afterEnd(before, outcome, now, limits)

describe("a restart policy", () => {
  it("says which ends it takes", () => {
    const outcomes = { poweredOff, panicked, stopped, failed }
    const taken = (policy: "never" | "on-failure" | "always") =>
      Object.entries(outcomes).filter(([, outcome]) => RestartPolicy.takes(policy, outcome)).map(([name]) => name)
    assert.deepStrictEqual(taken("never"), [])
    assert.deepStrictEqual(taken("on-failure"), ["panicked", "failed"])
    assert.deepStrictEqual(taken("always"), ["poweredOff", "panicked", "failed"])
  })

  it("leaves what it does not take, stopped", () => {
    const { desired, ended } = after(of("on-failure"), poweredOff)
    assert.deepInclude(desired, { power: "stopped", epoch: 2 })
    assert.deepStrictEqual(ended, { epoch: 2, outcome: poweredOff })
  })

  it("waits twice as long each time, a little less by chance, and never longer than it may", () => {
    const waits = [0, 1, 2, 3, 4].map((restarts) =>
      after(of("always", { desired: { restarts } }), panicked).desired.notBeforeMillis - now
    )
    for (const [index, wait] of waits.entries()) {
      assert.isAtMost(wait, 1_000 * 2 ** index)
      assert.isAtLeast(wait, 750 * 2 ** index)
    }
    const short = LauncherConfig.make({ restartDelayMax: Duration.seconds(2), restartsMax: 100 })
    const late = RestartPolicy.afterEnd(of("always", { desired: { restarts: 60 } }), panicked, now, short)
    assert.isAtMost(late.desired.notBeforeMillis - now, 2_000)
  })

  it("does not have what failed together come back together", () => {
    const waits = Array.from(
      { length: 50 },
      (_, index) =>
        after(record({ id: spec(`a${index}`).id, spec: spec(`a${index}`, { restart: "always" }) }), panicked)
          .desired.notBeforeMillis
    )
    assert.isAbove(new Set(waits).size, 40)
  })

  it("gives up after as many restarts in a row as are allowed, and says so", () => {
    const { desired, ended } = after(of("always", { desired: { restarts: 5 } }), panicked)
    assert.deepInclude(desired, { power: "stopped", epoch: 2 })
    assert.deepInclude(ended?.outcome, { _tag: "Failed", phase: "run", code: "crash_loop" })
    assert.include(JSON.stringify(ended), "6 times in a row, at last with kernel panic")
  })

  it("counts anew after a guest that ran for a while, and not after a start that failed", () => {
    const well = { connectedMillis: now - 5 * 60_000, desired: { restarts: 5 } }
    assert.deepInclude(after(of("always", well), panicked).desired, { restarts: 1, epoch: 3 })
    assert.strictEqual(
      after(of("always", { ...well, connectedMillis: now - 299_999 }), panicked).desired.power,
      "stopped"
    )
    // The boot that ran for so long is that of an earlier start.
    const later = { ...well, desired: { epoch: 3, restarts: 5 } }
    assert.strictEqual(after(of("always", later), failed).desired.power, "stopped")
  })
})
