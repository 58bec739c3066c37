import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { LaunchFailed } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")
const panicked = { _tag: "Panicked" } as const

describe("Launcher.restart", () => {
  it.effect("asks the guest to end, and returns when another runs", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const first = node.world.machine(a)?.pid
      yield* launcher.restart(a)
      assert.notStrictEqual(node.world.machine(a)?.pid, first)
      assert.include(node.world.acts, "stop a1")
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("starts what is stopped, and is one with another and with a start", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      const gate = node.world.hold("launch")
      const asked = yield* Effect.forEach(
        [launcher.restart(a), launcher.restart(a), Effect.asVoid(launcher.start(spec("a1")))],
        beside
      )
      yield* gate.reached
      yield* gate.open
      yield* Fiber.joinAll(asked)
      assert.strictEqual((yield* launcher.get(a)).starts, 2)
    }))

  it.effect("goes on when its caller does not wait, and a stop takes over from it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("launch")
      const restart = yield* beside(launcher.restart(a))
      yield* gate.reached
      yield* Fiber.interrupt(restart)
      yield* gate.open
      yield* settle
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })

      const held = node.world.hold("launch")
      const other = yield* beside(reasonOf(launcher.restart(a)))
      yield* held.reached
      yield* launcher.stop(a)
      assert.strictEqual(yield* Fiber.join(other), "Superseded")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
      assert.isUndefined(node.world.machine(a))
    }))

  it.effect("of what is not there is refused", () =>
    Effect.gen(function*() {
      const launcher = yield* new TestNode().launcher()
      assert.strictEqual(yield* reasonOf(launcher.restart(a)), "NoInstance")
    }))
})

describe("a restart policy", () => {
  it.effect("starts again what ended, after a while, and says when", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { restart: "on-failure" }))
      node.world.exit(a, panicked)
      yield* settle
      assert.deepInclude((yield* launcher.get(a)).state, { _tag: "Restarting", restarts: 1, why: "kernel panic" })
      assert.isUndefined(node.world.machine(a))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })

      node.world.exit(a, { _tag: "PoweredOff" })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual((yield* launcher.get(a)).state, { _tag: "Exited", status: { _tag: "PoweredOff" } })
    }))

  it.effect("gives up in the end, says crash_loop, and a start begins anew", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ restartsMax: 2 })
      yield* launcher.start(spec("a1", { restart: "always" }))
      for (let end = 0; end < 3; end++) {
        node.world.exit(a, panicked)
        yield* TestClock.adjust("1 minute")
      }
      assert.deepInclude((yield* launcher.get(a)).state, { _tag: "Failed", phase: "run", reason: "crash_loop" })
      assert.deepInclude((yield* launcher.start(spec("a1", { restart: "always" }))).state, { _tag: "Running" })
      node.world.exit(a, panicked)
      yield* settle
      assert.deepInclude((yield* launcher.get(a)).state, { _tag: "Restarting", restarts: 1 })
    }))

  it.effect("tells who started of the launch that failed, and tries it again", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1", { restart: "always" }))), "StepFailed")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Restarting")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
    }))

  it.effect("waits no longer when somebody asks, and not at all when somebody stops it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const always = spec("a1", { restart: "always" })
      yield* launcher.start(always)
      node.world.exit(a, panicked)
      yield* settle
      yield* launcher.start(always)
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })
      node.world.exit(a, panicked)
      yield* settle
      yield* launcher.stop(a)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
      assert.isUndefined(node.world.machine(a))
    }))

  it.effect("goes on under the next launcher, and not before its time", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { restart: "always" }))
      node.world.exit(a, panicked)
      yield* settle
      yield* first.close
      const launcher = yield* node.launcher()
      assert.deepInclude((yield* launcher.get(a)).state, { _tag: "Restarting", restarts: 1 })
      assert.isUndefined(node.world.machine(a))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
    }))

  it.effect("takes what ended while no launcher was there", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { restart: "always" }))
      yield* first.close
      node.world.exit(a, panicked)
      const launcher = yield* node.launcher()
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Running" }, starts: 2 })
    }))
})
