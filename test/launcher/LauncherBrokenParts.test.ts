import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as ExitStatus from "../../src/domain/ExitStatus.ts"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import { Limits } from "../../src/launcher/Limits.ts"
import * as RestartPolicy from "../../src/launcher/RestartPolicy.ts"
import { beside, id, reasonOf, sample, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")

describe("a launcher with a part that is broken", () => {
  it.effect("answers who asks what an instance uses, though its guest does not", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.always("stats", Effect.never)
      const asking = yield* beside(reasonOf(launcher.stats(a)))
      yield* TestClock.adjust("1 hour")
      assert.isDefined(asking.pollUnsafe())
      yield* Fiber.interrupt(asking)
    }))

  it.effect("knows what the node has, though a guest can not be measured for a defect", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.always("stats", Effect.die("boom"))
      node.sample = Effect.succeed(sample({ hostname: "renamed" }))
      yield* TestClock.adjust("1 minute")
      const { atMillis, node: now } = yield* launcher.statistics
      assert.strictEqual(now?.hostname, "renamed")
      assert.strictEqual(atMillis, 60_000)
    }))

  it.effect("begins, though a virtualizer dies of one of its records", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.launcher.start(spec("b2"))
      yield* first.close
      node.virtualizers = node.virtualizers.map((one) => ({
        ...one,
        make: (spec, directory) => spec.id === a ? Effect.die("boom") : one.make(spec, directory)
      }))
      const launcher = yield* node.launcher()
      yield* settle
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Running")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Unknown")
    }))
})

describe("a clock that is set back", () => {
  it.effect("does not make what was measured before new", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(86_400_000)
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.statistics
      node.sample = Effect.succeed(sample({ hostname: "renamed" }))
      yield* TestClock.setTime(1_000)
      assert.strictEqual((yield* launcher.statistics).node?.hostname, "renamed")
    }))
})

describe("limits that make no sense", () => {
  it("are refused", () => {
    const marks = (fullBelow: number, refuseBelow: number) => () =>
      Limits.make({ memory: { fullBelow, refuseBelow }, disk: null, vcpusPerCpu: null })
    assert.throws(marks(1.5, 0.1))
    assert.throws(marks(0.1, -0.1))
    assert.throws(() => LauncherConfig.make({ recordRetry: Duration.millis(-5) }))
    assert.throws(() => LauncherConfig.make({ restartDelay: Duration.infinity }))
  })

  it("a restart has its time, however often one was asked for", () => {
    const limits = LauncherConfig.make({ restartDelay: Duration.zero, restartsMax: 1_000_000 })
    const first = initial(spec("a1", { restart: "always" }))
    const record = { ...first, desired: { ...first.desired, power: "running" as const, restarts: 1_024 } }
    const { desired } = RestartPolicy.afterEnd(record, { _tag: "Exited", status: ExitStatus.unknown }, 5, limits)
    assert.strictEqual(desired.notBeforeMillis, 5)
  })
})
