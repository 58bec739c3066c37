import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }
const broken = Effect.fail(new StoreError({ message: "no space left" }))

/** A node whose writes fail from the `first` to the `last`, counted over all launchers. */
const failingFrom = (first: number, last: number, how: Effect.Effect<void, StoreError> = broken) => {
  const node = new TestNode()
  let writes = 0
  node.wrapStore = (store) => ({
    ...store,
    put: (record) =>
      Effect.suspend(() => {
        writes++
        return writes >= first && writes <= last ? how : store.put(record)
      })
  })
  return node
}

describe("a launcher whose store fails", () => {
  it.effect("refuses a start that can not be recorded, and does nothing about it", () =>
    Effect.gen(function*() {
      const node = failingFrom(1, 1)
      const launcher = yield* node.launcher()
      const error = yield* Effect.flip(launcher.start(spec("a1", { volumes: [disk] })))
      assert.strictEqual(error.code, "state_failure")
      assert.deepStrictEqual(node.world.acts, [])
      assert.deepStrictEqual(yield* launcher.list, [])
      yield* launcher.start(spec("b2", { volumes: [disk] }))
    }))

  it.effect("launches nothing when the boot can not be recorded, and undoes a first start", () =>
    Effect.gen(function*() {
      const node = failingFrom(2, 2)
      const launcher = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StateFailure")
      assert.isUndefined(node.world.acts.find((act) => act.startsWith("launch")))
      assert.isTrue(node.world.isClean(a))
      assert.strictEqual(node.disk.records.size, 0)
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
    }))

  it.effect("runs on when it can not be recorded that a guest connected, and records it later", () =>
    Effect.gen(function*() {
      const node = failingFrom(3, 5)
      const launcher = yield* node.launcher()
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
      assert.isFalse(JSON.parse(node.disk.records.get(a)!).connected)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(JSON.parse(node.disk.records.get(a)!).connected)
    }))

  it.effect("refuses what is asked of a running instance, which stays as it is", () =>
    Effect.gen(function*() {
      const node = failingFrom(4, 7)
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      assert.strictEqual(yield* reasonOf(launcher.attach(a, disk)), "StateFailure")
      assert.strictEqual(yield* reasonOf(launcher.pause(a)), "StateFailure")
      assert.strictEqual(yield* reasonOf(launcher.stop(a)), "StateFailure")
      assert.strictEqual(yield* reasonOf(launcher.delete(a)), "StateFailure")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [])
      // The volume is not taken.
      yield* launcher.start(spec("b2", { volumes: [disk] }))
      yield* launcher.delete(a)
    }))

  it.effect("gives a write that hangs its deadline, and can close meanwhile", () =>
    Effect.gen(function*() {
      const node = failingFrom(1, 1, Effect.never)
      const { close, launcher } = yield* node.open()
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(start.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(start), "StateFailure")
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
      yield* close
    }))

  it.effect("undoes a start that is taken back even when that can not be recorded at first", () =>
    Effect.gen(function*() {
      const node = failingFrom(2, 4)
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const start = yield* beside(launcher.start(spec("a1")))
      yield* gate.reached
      const interruption = yield* beside(Fiber.interrupt(start))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(interruption)
      assert.isTrue(node.world.isClean(a))
      assert.strictEqual(node.disk.records.size, 0)
    }))

  it.effect("deletes an instance whose record can not be removed at first", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let failures = 3
      node.wrapStore = (store) => ({
        ...store,
        remove: (id) => Effect.suspend(() => failures-- > 0 ? broken : store.remove(id))
      })
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const remove = yield* beside(launcher.delete(a))
      yield* settle
      assert.isUndefined(remove.pollUnsafe())
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopping")
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(remove)
      assert.strictEqual(node.disk.records.size, 0)
    }))

  it.effect("does not begin when its records can not be read", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.wrapStore = (store) => ({ ...store, load: Effect.fail(new StoreError({ message: "no" })) })
      assert.strictEqual(yield* reasonOf(node.open()), "StateFailure")
    }))

  it.effect("finds out that somebody else writes its records", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.launcher()
      yield* first.start(spec("a1"))
      yield* settle
      const second = yield* node.launcher()
      yield* second.pause(a)
      assert.strictEqual(yield* reasonOf(first.stop(a)), "StateFailure")
    }))
})
