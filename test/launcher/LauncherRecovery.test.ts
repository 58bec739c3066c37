import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Point } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }

describe("closing a launcher", () => {
  it.effect("leaves guests running and unwatched; the next one adopts the same guest", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { volumes: [disk] }))
      yield* first.close
      assert.isUndefined(node.world.machine(a)?.watcher)
      const launcher = yield* node.launcher()
      assert.strictEqual(launcher.incarnation, first.launcher.incarnation + 1)
      const info = yield* launcher.get(a)
      assert.strictEqual(info.state._tag, "Running")
      assert.strictEqual(info.starts, 1)
      assert.strictEqual(node.world.machine(a)?.pid, 1)
      // Its volumes are still its own.
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2", { volumes: [disk] }))), "AlreadyAttached")
      yield* launcher.delete(a)
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("answers everybody with LauncherClosed, also those who come later", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const { close, launcher } = yield* node.open()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("image")
      const waiting = [
        yield* beside(reasonOf(launcher.stop(a))),
        yield* beside(reasonOf(launcher.start(spec("a1")))),
        yield* beside(reasonOf(launcher.start(spec("b2"))))
      ]
      yield* gate.reached
      yield* close
      for (const answer of yield* Fiber.joinAll(waiting)) assert.strictEqual(answer, "LauncherClosed")
      assert.strictEqual(yield* reasonOf(launcher.start(spec("c3"))), "LauncherClosed")
      assert.strictEqual(yield* reasonOf(launcher.delete(a)), "LauncherClosed")
      assert.strictEqual(node.disk.records.size, 2)
    }))
})

describe("a new launcher", () => {
  it.effect("leaves a volume to the guest that was to let go of it, until it has", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { volumes: [disk] }))
      const detaching = node.world.hold("detach")
      yield* beside(first.launcher.detach(a, disk.id))
      yield* detaching.reached
      yield* first.close
      assert.isTrue(node.world.machine(a)?.volumes.has(disk.id))

      const adopting = node.world.hold("monitor")
      const opening = yield* beside(node.open())
      yield* adopting.reached
      yield* TestClock.adjust("3 seconds")
      const { launcher } = yield* Fiber.join(opening)
      const start = launcher.start(spec("b2", { volumes: [disk] }))
      assert.strictEqual(yield* reasonOf(start), "AlreadyAttached")
      yield* adopting.open
      yield* settle
      assert.isFalse(node.world.machine(a)?.volumes.has(disk.id))
      yield* start
      assert.deepStrictEqual(node.world.violations, [])

      // The next one does not take it for the first instance's any more.
      const third = yield* node.launcher()
      assert.deepStrictEqual((yield* third.get(id("b2"))).volumes, [disk])
      assert.strictEqual(yield* reasonOf(third.attach(a, disk)), "AlreadyAttached")
    }))

  it.effect("finds a volume on one record only, whatever was asked for while the one before closed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let delay = Effect.void
      node.wrapStore = (store) => ({ ...store, put: (record) => Effect.andThen(delay, store.put(record)) })
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { volumes: [disk] }))
      yield* first.launcher.start(spec("b2"))
      yield* settle
      delay = Effect.sleep("1 seconds")
      // The second instance is writing when the launcher closes, and has one more command to consider.
      yield* beside(Effect.ignore(first.launcher.pause(id("b2"))))
      yield* settle
      const attach = yield* beside(reasonOf(first.launcher.attach(id("b2"), disk)))
      const closing = yield* beside(first.close)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* Fiber.join(attach), "AlreadyAttached")
    }))

  const points: ReadonlyArray<Point> = [
    "probe",
    "image",
    "create",
    "created",
    "launch",
    "launched",
    "monitor",
    "connect"
  ]
  for (const point of points) {
    it.effect(`finishes a start that was cut short at ${point}, with one guest`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const first = yield* node.open()
        const gate = node.world.hold(point)
        const start = yield* beside(reasonOf(first.launcher.start(spec("a1", { volumes: [disk] }))))
        yield* gate.reached
        yield* first.close
        assert.strictEqual(yield* Fiber.join(start), "LauncherClosed")
        const launcher = yield* node.launcher()
        yield* settle
        assert.strictEqual((yield* launcher.start(spec("a1", { volumes: [disk] }))).state._tag, "Running")
        assert.strictEqual((yield* launcher.get(a)).starts, 1)
        assert.deepStrictEqual(node.world.violations, [])
      }))
  }

  for (const point of ["stop", "probe", "kill", "deleteImage"] as const) {
    it.effect(`finishes a delete that was cut short at ${point}`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const first = yield* node.open()
        yield* first.launcher.start(spec("a1"))
        if (point === "probe" || point === "kill") {
          node.world.reachable(a, false)
          yield* settle
        }
        const gate = node.world.hold(point)
        const remove = yield* beside(reasonOf(first.launcher.delete(a)))
        if (point === "probe" || point === "kill") yield* TestClock.adjust("1 seconds")
        yield* gate.reached
        yield* first.close
        assert.strictEqual(yield* Fiber.join(remove), "LauncherClosed")
        const launcher = yield* node.launcher()
        yield* settle
        assert.deepStrictEqual(yield* launcher.list, [])
        assert.isTrue(node.world.isClean(a))
        assert.strictEqual(node.disk.records.size, 0)
      }))
  }

  it.effect("finishes a stop that was cut short", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* beside(Effect.ignore(first.launcher.stop(a)))
      yield* settle
      yield* first.close
      const launcher = yield* node.launcher()
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopping")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
    }))

  it.effect("finishes an attach, a detach, a pause that were cut short", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { volumes: [{ id: volume("old") }] }))
      const attaching = node.world.hold("attach")
      yield* beside(Effect.ignore(first.launcher.attach(a, disk)))
      yield* attaching.reached
      yield* beside(Effect.ignore(first.launcher.detach(a, volume("old"))))
      yield* beside(Effect.ignore(first.launcher.pause(a)))
      yield* settle
      yield* first.close
      const launcher = yield* node.launcher()
      yield* settle
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Paused")
      assert.deepStrictEqual([...node.world.machine(a)!.volumes], ["disk"])
    }))

  it.effect("learns how a guest ended while nobody watched", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.close
      node.world.exit(a, { _tag: "Exited", code: 3 })
      const launcher = yield* node.launcher()
      assert.deepStrictEqual((yield* launcher.get(a)).state, { _tag: "Exited", status: { _tag: "Exited", code: 3 } })
      assert.isUndefined(node.world.machine(a))
    }))

  it.effect("leaves a stopped instance and a failed one as they are", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.launcher.stop(a)
      node.world.next("launch", Effect.die("a bug"))
      yield* Effect.ignore(first.launcher.start(spec("b2")))
      const before = yield* first.launcher.list
      yield* first.close
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepStrictEqual(yield* launcher.list, before)
    }))

  it.effect("does not wait long for a guest that does not answer, and goes on adopting it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.launcher.start(spec("b2"))
      yield* first.close
      const gate = node.world.hold("connect")
      const building = yield* beside(node.open())
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(building.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { launcher } = yield* Fiber.join(building)
      const states = (yield* launcher.list).map(({ state }) => state._tag)
      assert.sameMembers(states, ["Unknown", "Running"])
      yield* gate.open
      yield* settle
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
    }))

  it.effect("does not touch what it has no virtualizer for, and says why", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.close
      const { virtualizers } = node
      node.virtualizers = []
      const second = yield* node.open()
      const { state } = yield* second.launcher.get(a)
      assert.isTrue(state._tag === "Unknown" && state.why.includes("qemu"))
      const remove = yield* beside(reasonOf(second.launcher.delete(a)))
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual(yield* Fiber.join(remove), "TimedOut")
      assert.isDefined(node.world.machine(a))
      yield* second.close
      // The intent stands.
      node.virtualizers = virtualizers
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.isTrue(node.world.isClean(a))
    }))
})
