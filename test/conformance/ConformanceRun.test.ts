import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Struct } from "effect"
import { virtual } from "../../src/testing/conformance/ConformanceClock.ts"
import { ConformanceHost } from "../../src/testing/conformance/ConformanceHost.ts"
import * as ConformanceRun from "../../src/testing/conformance/ConformanceRun.ts"
import type { ConformanceTest } from "../../src/testing/conformance/ConformanceTest.ts"
import { Virtualizers } from "../../src/Virtualizer.ts"
import * as SimulatedConformanceHost from "./SimulatedConformanceHost.ts"
import { layer } from "./wrong/Wrong.ts"
import { wrongs } from "./wrong/wrongs.ts"

const clock = virtual({ seed: "run" })
const right = {
  virtualizer: SimulatedConformanceHost.virtualizer(),
  host: SimulatedConformanceHost.layer("run"),
  clock
}

const testNamed = (part: string): ConformanceTest => {
  const found = ConformanceRun.tests.find(({ name }) => name.includes(part))
  assert.isDefined(found, part)
  return found
}

/** What a test says of a virtualizer. */
const verdict = (outcome: ConformanceRun.Outcome): string =>
  outcome._tag === "Failed" ? outcome.failure.message : outcome._tag === "Skipped" ? outcome.why : "passed"

/** The host, changed. */
const changed = (change: (host: ConformanceHost["Service"]) => ConformanceHost["Service"]) =>
  Layer.effectContext(Effect.gen(function*() {
    const context = yield* Layer.build(SimulatedConformanceHost.layer("changed"))
    return Context.add(context, ConformanceHost, change(Context.get(context, ConformanceHost)))
  }))

describe("running a test of the conformance suite", () => {
  const says = Effect.fnUntraced(function*(wrong: string, test: string, words: ReadonlyArray<string>) {
    const found = wrongs.find(({ name }) => name === wrong)
    assert.isDefined(found, wrong)
    const virtualizer = layer(found)
    const said = verdict(yield* ConformanceRun.run(testNamed(test), { ...right, virtualizer }))
    for (const part of words) assert.include(said, part)
  })

  it.live("says what the contract asks for, and what was found instead", () =>
    Effect.gen(function*() {
      yield* says("does not wait for the grace of a stop", "stop waits for its grace", [
        "stop waits for its grace of 1s before it insists. Instead: it returned after "
      ])
      yield* says("dies of what it is to fail with", "is not there answers", [
        "status of a guest that has ended fails with NotRunning. Instead: it died, which is a bug of the virtualizer"
      ])
      yield* says("fails to delete what is not there", "deleteImage removes", [
        "deleteImage of what was never made succeeds. Instead: it failed with HostFailure: there is nothing to delete"
      ])
      yield* says("leaves half a disk when its making is interrupted", "createImage is interrupted", [
        "createImage, held with half a disk, and interrupted, leaves what there was before, or all that it makes, which is " +
        "[\"image\"]. Instead: [\"image\",\"partial disk\"]"
      ])
      yield* says("can not be interrupted in start", "start is interrupted", [
        "start, held before the guest is there, and interrupted, comes to an end. Instead: it had not after 5m"
      ])
    }))

  it.live("says why it says nothing of a virtualizer, or of a host", () =>
    Effect.gen(function*() {
      const little = { ...right, virtualizer: SimulatedConformanceHost.virtualizer({ pause: false }) }
      assert.strictEqual(
        verdict(yield* ConformanceRun.run(testNamed("adopted as paused"), little)),
        "pause is not declared"
      )
      assert.strictEqual(
        verdict(yield* ConformanceRun.run(testNamed("pause and resume that"), right)),
        "pause is declared"
      )
      const host = changed((host) => ({ ...Struct.omit(host, ["panic"]), kinds: ["obedient"] }))
      assert.strictEqual(
        verdict(yield* ConformanceRun.run(testNamed("panics"), { ...right, host })),
        "the host has no panic"
      )
      assert.strictEqual(
        verdict(yield* ConformanceRun.run(testNamed("stop without a grace"), { ...right, host })),
        "the host has no instance that is deaf"
      )
    }))

  it.live("fails where the host of the test is not what it is to be", () =>
    Effect.gen(function*() {
      const gateless = changed((host) => ({ ...host, gates: { ...host.gates, start: [] } }))
      assert.include(
        verdict(yield* ConformanceRun.run(testNamed("start is interrupted"), { ...right, host: gateless })),
        "start can be held in the middle. Instead: the host of the test has no gate for it"
      )
      const unreached = changed((host) => ({ ...host, gates: { ...host.gates, start: host.gates.attachVolume } }))
      assert.include(
        verdict(yield* ConformanceRun.run(testNamed("start is interrupted"), { ...right, host: unreached })),
        "start comes to its phase before the guest has the volume. Instead: it ended without: it succeeded"
      )
      const broken = changed((host) => ({ ...host, remains: () => Effect.die("a bug in remains") }))
      assert.include(
        verdict(yield* ConformanceRun.run(testNamed("make looks"), { ...right, host: broken })),
        "a bug in remains"
      )
    }))

  it.live("fails a test that hangs, and a layer of several virtualizers", () =>
    Effect.gen(function*() {
      const hanging = { name: "hangs", needs: [], run: Effect.never }
      assert.include(verdict(yield* ConformanceRun.run(hanging, right)), "Every wait has an end. Instead: deadlock")
      const several = Layer.succeed(Virtualizers, new Map())
      assert.include(
        verdict(yield* ConformanceRun.run(testNamed("make looks"), { ...right, virtualizer: several })),
        "the layer is to have one virtualizer"
      )
    }))
})
