import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }
const broken = Effect.fail(new StoreError({ message: "no space left" }))

/** A node whose disk does the writes from the `first` to the `last`, and says that it did not. */
const lyingFrom = (first: number, last: number) => {
  const node = new TestNode()
  let writes = 0
  node.wrapStore = (store) => ({
    ...store,
    put: (record) =>
      Effect.suspend(() => {
        writes++
        if (writes < first || writes > last) return store.put(record)
        const before = node.disk.records.get(record.id)
        return store.put(record).pipe(
          Effect.andThen(Effect.sync(() => {
            const text = node.disk.records.get(record.id)
            // A store goes by the revision that it wrote last, as far as it knows.
            if (text !== undefined) node.disk.records.set(record.id, withRevision(text, revisionOf(before)))
          })),
          Effect.andThen(broken)
        )
      })
  })
  return node
}

const revisionOf = (text: string | undefined): number => text === undefined ? 0 : JSON.parse(text).revision

const withRevision = (text: string, revision: number): string => JSON.stringify({ ...JSON.parse(text), revision })

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

/** So many removals of records fail, on top of what the node's store does already. */
const refuseRemovals = (node: TestNode, count: number): void => {
  const { wrapStore } = node
  let left = count
  node.wrapStore = (store) => {
    const wrapped = wrapStore(store)
    return { ...wrapped, remove: (id) => Effect.suspend(() => left-- > 0 ? broken : wrapped.remove(id)) }
  }
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
      assert.isNull(JSON.parse(node.disk.records.get(a)!).connectedMillis)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(JSON.parse(node.disk.records.get(a)!).connectedMillis, 0)
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

  it.effect("takes back what it refused when that may be on record all the same, so that no later launcher does it", () =>
    Effect.gen(function*() {
      const node = lyingFrom(4, 5)
      const { close, launcher } = yield* node.open()
      yield* launcher.start(spec("a1"))
      assert.strictEqual(yield* reasonOf(launcher.stop(a)), "StateFailure")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(JSON.parse(node.disk.records.get(a)!).desired.power, "running")
      yield* close
      const later = yield* node.launcher()
      assert.strictEqual((yield* later.get(a)).state._tag, "Running")
    }))

  it.effect("does not say that something is so while something else may be on record", () =>
    Effect.gen(function*() {
      const node = lyingFrom(6, 6)
      const { wrapStore } = node
      let isFull = false
      node.wrapStore = (store) => {
        const lying = wrapStore(store)
        const fill = Effect.sync(() => {
          isFull = true
        })
        return {
          ...lying,
          put: (record) => Effect.suspend(() => isFull ? broken : Effect.tapError(lying.put(record), () => fill))
        }
      }
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StateFailure")
      assert.strictEqual(JSON.parse(node.disk.records.get(a)!).desired.power, "running")
      // It is stopped, as far as its launcher knows, and would not be for the next one.
      assert.strictEqual(yield* reasonOf(launcher.stop(a)), "StateFailure")
      isFull = false
      yield* launcher.stop(a)
      assert.strictEqual(JSON.parse(node.disk.records.get(a)!).desired.power, "stopped")
    }))

  it.effect("knows no instance whose start it refused, even while that may be on record", () =>
    Effect.gen(function*() {
      const node = lyingFrom(1, 1)
      refuseRemovals(node, 2)
      const launcher = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StateFailure")
      const stop = yield* beside(reasonOf(launcher.stop(a)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(stop), "NoInstance")
      assert.strictEqual(node.disk.records.size, 0)
    }))

  it.effect("starts what is asked for again after a delete that came while the start before was refused", () =>
    Effect.gen(function*() {
      const node = lyingFrom(1, 1)
      const { wrapStore } = node
      const slow = Deferred.makeUnsafe<void>()
      node.wrapStore = (store) => {
        const lying = wrapStore(store)
        return { ...lying, put: (record) => Effect.andThen(Deferred.await(slow), lying.put(record)) }
      }
      const launcher = yield* node.launcher()
      const refused = yield* beside(reasonOf(launcher.start(spec("a1"))))
      const removed = yield* beside(launcher.delete(a))
      const again = yield* beside(launcher.start(spec("a1")))
      yield* Deferred.succeed(slow, undefined)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(refused), "StateFailure")
      yield* Fiber.join(removed)
      assert.strictEqual((yield* Fiber.join(again)).state._tag, "Running")
    }))

  it.effect("takes it back at once, also in the middle of a step", () =>
    Effect.gen(function*() {
      const node = lyingFrom(2, 2)
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      yield* beside(launcher.start(spec("a1")))
      yield* gate.reached
      assert.strictEqual(yield* reasonOf(launcher.delete(a)), "StateFailure")
      yield* settle
      assert.strictEqual(JSON.parse(node.disk.records.get(a)!).desired.power, "running")
    }))

  it.effect("leaves no record of a start that it refused, even where that can not be removed at first", () =>
    Effect.gen(function*() {
      const node = lyingFrom(1, 1)
      refuseRemovals(node, 2)
      const launcher = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1", { volumes: [disk] }))), "StateFailure")
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.strictEqual(node.disk.records.size, 1)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(node.disk.records.size, 0)
      assert.strictEqual(yield* reasonOf(launcher.get(a)), "NoInstance")
      yield* launcher.start(spec("b2", { volumes: [disk] }))
    }))

  it.effect("starts what it refused a moment ago, when it is asked again before all is taken back", () =>
    Effect.gen(function*() {
      const node = lyingFrom(1, 1)
      refuseRemovals(node, Infinity)
      const launcher = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StateFailure")
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
      assert.strictEqual((yield* launcher.list).length, 1)
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
      refuseRemovals(node, 3)
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
