import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Point } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")

const phases: ReadonlyArray<Point> = ["probe", "image", "create", "created", "launch", "launched", "monitor", "connect"]

describe("interrupting a start", () => {
  for (const phase of phases) {
    it.effect(`at ${phase}: a new instance is gone when the interruption returns, and the same id starts again`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const launcher = yield* node.launcher()
        const gate = node.world.hold(phase)
        const start = yield* beside(launcher.start(spec("a1", { volumes: [{ id: volume("disk") }] })))
        yield* gate.reached
        yield* Fiber.interrupt(start)
        assert.isTrue(node.world.isClean(a))
        assert.strictEqual(node.disk.records.size, 0)
        assert.deepStrictEqual(yield* launcher.list, [])
        yield* launcher.start(spec("a1", { vcpus: 2, volumes: [{ id: volume("disk") }] }))
        assert.deepStrictEqual(node.world.violations, [])
      }))

    it.effect(`at ${phase}: an instance that was there is stopped, durably`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const { close, launcher } = yield* node.open()
        yield* launcher.start(spec("a1"))
        yield* launcher.stop(a)
        // What is prepared already is not prepared again: it is made to look as if it were not.
        node.world.places.delete(a)
        yield* close
        const next = yield* node.launcher()
        const gate = node.world.hold(phase)
        const start = yield* beside(next.start(spec("a1")))
        if (phase === "probe") return yield* Fiber.interrupt(start)
        yield* gate.reached
        yield* Fiber.interrupt(start)
        assert.isUndefined(node.world.machine(a))
        assert.strictEqual(JSON.parse(node.disk.records.get(a)!).desired.power, "stopped")
        assert.strictEqual((yield* next.get(a)).state._tag, "Stopped")
        assert.strictEqual((yield* next.start(spec("a1"))).state._tag, "Running")
      }))
  }

  it.effect("while somebody else waits for it too lets it go on; when the last one goes it is undone", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const first = yield* beside(launcher.start(spec("a1")))
      yield* gate.reached
      const second = yield* beside(launcher.start(spec("a1")))
      yield* settle
      yield* Fiber.interrupt(first)
      yield* gate.open
      assert.strictEqual((yield* Fiber.join(second)).state._tag, "Running")
      yield* launcher.delete(a)

      const again = node.world.hold("image")
      const third = yield* beside(launcher.start(spec("a1")))
      yield* again.reached
      const fourth = yield* beside(launcher.start(spec("a1")))
      yield* settle
      yield* Fiber.interrupt(third)
      yield* Fiber.interrupt(fourth)
      assert.isTrue(node.world.isClean(a))
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("that joined an instance which had been started long ago leaves it alone", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.reachable(a, false)
      yield* settle
      const join = yield* beside(launcher.start(spec("a1")))
      yield* settle
      assert.isUndefined(join.pollUnsafe())
      yield* Fiber.interrupt(join)
      node.world.reachable(a, true)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      assert.strictEqual(node.world.machine(a)?.pid, 1)
    }))

  it.effect("that waits for a stop is as if it had never been asked for", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const stop = yield* beside(launcher.stop(a))
      yield* settle
      const start = yield* beside(launcher.start(spec("a1")))
      yield* settle
      yield* Fiber.interrupt(start)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(stop)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
    }))

  it.effect("returns when all is clean, also when somebody deletes the instance meanwhile", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const launching = node.world.hold("launch")
      const deleting = node.world.hold("deleteImage")
      const start = yield* beside(launcher.start(spec("a1")))
      yield* launching.reached
      const interruption = yield* beside(Fiber.interrupt(start))
      yield* deleting.reached
      const remove = yield* beside(launcher.delete(a))
      yield* settle
      assert.isUndefined(interruption.pollUnsafe())
      yield* deleting.open
      yield* Fiber.join(interruption)
      yield* Fiber.join(remove)
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("while its record is being written undoes it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.wrapStore = (store) => ({
        ...store,
        put: (record) => Effect.andThen(Effect.sleep("1 seconds"), store.put(record))
      })
      const launcher = yield* node.launcher()
      const start = yield* beside(launcher.start(spec("a1")))
      yield* settle
      const interruption = yield* beside(Fiber.interrupt(start))
      yield* TestClock.adjust("500 millis")
      assert.isUndefined(interruption.pollUnsafe())
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(interruption)
      assert.isTrue(node.world.isClean(a))
      assert.strictEqual(node.disk.records.size, 0)
      assert.isUndefined(node.world.acts.find((act) => act.startsWith("launch")))
    }))

  it.effect("by a deadline of its caller's leaves nothing either", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.always("connect", Effect.never)
      const start = yield* beside(Effect.timeout(launcher.start(spec("a1")), "3 seconds"))
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.await(start)))
      assert.isTrue(node.world.isClean(a))
    }))
})

describe("interrupting any other command", () => {
  it.effect("ends the waiting only: the stop goes on", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const stop = yield* beside(launcher.stop(a))
      yield* settle
      yield* Fiber.interrupt(stop)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopping")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
    }))

  it.effect("ends the waiting only: the delete goes on, also when it had not been considered yet", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const remove = yield* beside(launcher.delete(a))
      yield* Fiber.interrupt(remove)
      yield* settle
      assert.strictEqual(yield* reasonOf(launcher.get(a)), "NoInstance")
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("the deadline of a command ends its waiting and says what goes on", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.always("probe", Effect.never)
      node.world.always("stop", Effect.never)
      node.world.always("kill", Effect.never)
      const remove = yield* beside(Effect.flip(launcher.delete(a)))
      yield* TestClock.adjust("15 minutes")
      const { reason } = yield* Fiber.join(remove)
      assert.isTrue(reason._tag === "TimedOut" && reason.goesOn === "delete")
      assert.isDefined(node.world.machine(a))
      node.world.calm()
      yield* TestClock.adjust("1 minute")
      assert.isTrue(node.world.isClean(a))
      assert.strictEqual(node.disk.records.size, 0)
    }))
})
