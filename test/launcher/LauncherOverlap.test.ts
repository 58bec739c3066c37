/** Commands that come at the same moment, or in the middle of a step. Each was found by the simulation. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")

describe("a launch in flight", () => {
  it.effect("is not taken for that of the next start, which comes together with a stop", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("launched")
      const first = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* gate.reached
      const guest = node.world.machine(a)
      const stop = yield* beside(Effect.map(launcher.stop(a), () => node.world.machine(a) === guest))
      const start = yield* beside(launcher.start(spec("a1")))
      yield* gate.open
      yield* settle
      assert.strictEqual(yield* Fiber.join(first), "Superseded")
      assert.isFalse(yield* Fiber.join(stop), "its guest outlived the stop")
      assert.strictEqual((yield* Fiber.join(start)).starts, 2)
    }))
})

describe("a record that takes long to be written", () => {
  it.effect("keeps no news of the guest from those who ask meanwhile", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let delay = Effect.void
      node.wrapStore = (store) => ({ ...store, put: (record) => Effect.andThen(delay, store.put(record)) })
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* settle
      delay = Effect.sleep("2 seconds")
      const attach = yield* beside(launcher.attach(a, { id: volume("one") }))
      yield* settle
      node.world.exit(a, { _tag: "PoweredOff" })
      const start = yield* beside(launcher.start(spec("a1")))
      const told = yield* beside(Effect.map(Fiber.join(start), () => node.world.machine(a)?.pid))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(attach)
      assert.strictEqual(yield* Fiber.join(told), 2)
    }))
})

describe("a step that is superseded", () => {
  it.effect("is cut short as soon as that is on record, whatever else is still to be written", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let delay = Effect.void
      node.wrapStore = (store) => ({ ...store, put: (record) => Effect.andThen(delay, store.put(record)) })
      const cut: Array<number> = []
      node.world.next(
        "image",
        Effect.onInterrupt(Effect.never, () => Effect.map(Clock.currentTimeMillis, (now) => cut.push(now)))
      )
      const launcher = yield* node.launcher()
      yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* settle
      delay = Effect.sleep("2 seconds")
      yield* beside(reasonOf(launcher.stop(a)))
      const others = yield* Effect.forEach(
        ["one", "two"],
        (name) => beside(reasonOf(launcher.attach(a, { id: volume(name) })))
      )
      const gone = yield* beside(launcher.delete(a))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(cut, [2_000])
      yield* Fiber.join(gone)
      assert.deepStrictEqual(yield* Fiber.joinAll(others), ["NoInstance", "NoInstance"])
    }))
})

describe("a first start that meets what no record explains", () => {
  it.effect("tells who paused it that there is no instance", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.place(a).disk = true
      const launcher = yield* node.launcher()
      const gate = node.world.hold("probe")
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* gate.reached
      const pause = yield* beside(reasonOf(launcher.pause(a)))
      yield* settle
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.joinAll([start, pause]), ["InstanceExists", "NoInstance"])
    }))

  it.effect("takes no commands any more while its record can not be removed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.place(a).disk = true
      let isBroken = true
      node.wrapStore = (store) => ({
        ...store,
        // It is done, and says that it is not.
        remove: (id) =>
          Effect.andThen(
            store.remove(id),
            Effect.suspend(() => isBroken ? Effect.fail(new StoreError({ message: "no" })) : Effect.void)
          )
      })
      const launcher = yield* node.launcher()
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* settle
      assert.isUndefined(start.pollUnsafe())
      for (const refused of [launcher.stop(a), launcher.delete(a), launcher.detach(a, volume("one"))]) {
        assert.strictEqual(yield* reasonOf(refused), "NoInstance")
      }
      assert.strictEqual(node.disk.records.size, 0)
      isBroken = false
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(start), "InstanceExists")
      assert.strictEqual(node.disk.records.size, 0)
    }))
})
