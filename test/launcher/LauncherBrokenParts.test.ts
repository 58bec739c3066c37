import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as ExitStatus from "../../src/domain/ExitStatus.ts"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import { Limits } from "../../src/launcher/Limits.ts"
import * as RestartPolicy from "../../src/launcher/RestartPolicy.ts"
import { Gate } from "./ScriptedVirtualizer.ts"
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

  it.effect("begins in time, though a virtualizer is silent about many of its records", () =>
    Effect.gen(function*() {
      const silent = Array.from({ length: 20 }, (_, index) => id(`a${index}`))
      const node = new TestNode()
      const first = yield* node.open()
      for (const one of [...silent, id("b2")]) yield* first.launcher.start(spec(one))
      yield* first.close
      node.virtualizers = node.virtualizers.map((one) => ({
        ...one,
        make: (spec, directory) => silent.includes(spec.id) ? Effect.never : one.make(spec, directory)
      }))
      const beginning = yield* beside(node.launcher())
      yield* TestClock.adjust("5 seconds")
      const launcher = yield* Fiber.join(beginning)
      yield* settle
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Running")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Unknown")
      // Nothing is taken from a guest of which nothing is known.
      assert.include(node.disk.records.get(a) ?? "", "\"power\":\"running\"")
    }))
})

describe("a step that is late", () => {
  it.effect("keeps nothing that is asked for from being put on record while it cleans up", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = new Gate()
      node.world.next("image", Effect.onInterrupt(Effect.never, () => Effect.orDie(gate.script)))
      yield* beside(Effect.exit(launcher.start(spec("a1"))))
      yield* settle
      yield* TestClock.adjust("11 minutes")
      const removing = yield* beside(launcher.delete(a))
      yield* settle
      assert.include(node.disk.records.get(a) ?? "", "\"power\":\"deleted\"")
      yield* gate.open
      yield* Fiber.join(removing)
      assert.isTrue(node.world.isClean(a))
    }))
})

describe("guests that do not tell what they use", () => {
  const texts = Array.from({ length: 20 }, (_, index) => `a${index}`)

  it.effect("are given up one by one, keep nobody from the others, and come last the next time", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ statisticsAtOnce: 2 })
      for (const text of texts) yield* launcher.start(spec(text))
      const told = Effect.map(
        launcher.statistics,
        ({ instances }) => instances.filter(({ stats }) => stats.memoryBytes !== undefined).length
      )
      node.world.next("stats", Effect.never)
      node.world.next("stats", Effect.never)
      const first = yield* beside(told)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(first), 18)
      const gates = [node.world.hold("stats"), node.world.hold("stats")]
      node.world.acts.length = 0
      const second = yield* beside(told)
      for (const gate of gates) yield* gate.open
      assert.strictEqual(yield* Fiber.join(second), 20)
      const asked = node.world.acts.filter((act) => act.startsWith("stats ")).map((act) => act.slice(6))
      assert.sameMembers(asked.slice(-2), ["a0", "a1"])
    }))

  it.effect("keep nobody waiting who asks how the node is", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.always("stats", Effect.never)
      yield* TestClock.adjust("1 hour")
      const asked = yield* beside(launcher.status)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(asked)).condition._tag, "Ready")
    }))

  it.effect("may be all of them, and the node's own too", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.sample = Effect.die("boom")
      yield* launcher.start(spec("a1"))
      assert.strictEqual((yield* launcher.status).condition._tag, "Ready")
      assert.isUndefined((yield* launcher.statistics).node)
    }))
})

describe("a clock that is set back", () => {
  it.effect("prolongs no wait of a restart policy that the launcher before began", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(86_400_000)
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { restart: "always" }))
      node.world.exit(a, { _tag: "Panicked" })
      yield* settle
      yield* first.close
      yield* TestClock.setTime(1_000)
      const launcher = yield* node.launcher()
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })
    }))

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
    assert.throws(marks(0.1, 0.2))
    assert.throws(() => LauncherConfig.make({ recordDeadline: Duration.zero }))
    assert.throws(() => LauncherConfig.make({ recordRetry: Duration.millis(-5) }))
    assert.throws(() => LauncherConfig.make({ restartDelay: Duration.infinity }))
  })

  it("shares are written as they were read", () => {
    for (const text of ["7%", "2.5%", "100%", "0%", "14.3%"]) {
      const amount = Schema.decodeSync(Limits.fields.memory)({ fullBelow: "100%", refuseBelow: text })
      assert.deepStrictEqual(Schema.encodeSync(Limits.fields.memory)(amount), { fullBelow: "100%", refuseBelow: text })
    }
  })

  it("a restart has its time, however often one was asked for", () => {
    const limits = LauncherConfig.make({ restartDelay: Duration.zero, restartsMax: 1_000_000 })
    const first = initial(spec("a1", { restart: "always" }))
    const record = { ...first, desired: { ...first.desired, power: "running" as const, restarts: 1_024 } }
    const { desired } = RestartPolicy.afterEnd(record, { _tag: "Exited", status: ExitStatus.unknown }, 5, limits)
    assert.strictEqual(desired.notBeforeMillis, 5)
  })
})
