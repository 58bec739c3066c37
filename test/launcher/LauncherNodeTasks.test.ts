import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { collecting, withNodeStore } from "./nodeTasks.ts"
import { Gate } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")

/** A gate that the next writing of the node's record comes to, once it is armed. */
const withGate = () => {
  const gate = new Gate()
  const script = Effect.orDie(gate.script)
  const armed = { is: false }
  const node = withNodeStore((store) => (record) =>
    Effect.suspend(() => {
      if (!armed.is) return store.putNode(record)
      armed.is = false
      return Effect.andThen(script, store.putNode(record))
    })
  )
  return { node, gate, armed }
}

describe("tasks of a node", () => {
  it.effect("an evacuation goes on when another is interrupted", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ removalsAtOnce: 1 })
      for (const text of ["a1", "b2"]) yield* launcher.start(spec(text))
      const gate = node.world.hold("stop")
      const first = yield* collecting(launcher.evacuate)
      yield* gate.reached
      const second = yield* collecting(launcher.evacuate)
      yield* settle
      yield* Fiber.interrupt(first.fiber)
      assert.strictEqual((yield* launcher.status).task, "evacuation")
      yield* gate.open
      yield* Fiber.join(second.fiber)
      assert.deepStrictEqual(second.told.map(({ failure, name }) => [name, failure?.code]), [["a1", undefined], [
        "b2",
        undefined
      ]])
      assert.strictEqual((yield* launcher.status).task, null)
    }))

  it.effect("nothing is started during a reset, though another reset has ended", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ removalsAtOnce: 1 })
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("deleteImage")
      const first = yield* collecting(launcher.reset)
      yield* gate.reached
      const second = yield* collecting(launcher.reset)
      yield* settle
      yield* Fiber.interrupt(first.fiber)
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2"))), "NodeMaintenance")
      yield* gate.open
      yield* Fiber.join(second.fiber)
      yield* launcher.start(spec("b2"))
    }))

  it.effect("nothing is started during a reset, though an evacuation has begun meanwhile and the node is restored", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("deleteImage")
      const reset = yield* collecting(launcher.reset)
      yield* gate.reached
      const evacuation = yield* collecting(launcher.evacuate)
      yield* settle
      assert.strictEqual(yield* reasonOf(launcher.restore), "NodeMaintenance")
      yield* gate.open
      yield* Fiber.join(reset.fiber)
      yield* Fiber.join(evacuation.fiber)
      assert.strictEqual((yield* launcher.status).task, null)
      yield* launcher.restore
      yield* launcher.start(spec("b2"))
    }))

  it.effect("a node that is about to be reset is not restored", () =>
    Effect.gen(function*() {
      const { armed, gate, node } = withGate()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const deleting = node.world.hold("deleteImage")
      armed.is = true
      const { fiber } = yield* collecting(launcher.reset)
      yield* gate.reached
      const restoring = yield* beside(reasonOf(launcher.restore))
      yield* settle
      yield* gate.open
      yield* deleting.reached
      yield* settle
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2"))), "NodeMaintenance")
      yield* deleting.open
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* Fiber.join(restoring), "NodeMaintenance")
    }))

  for (const task of ["evacuate", "reset"] as const) {
    it.effect(`${task}, interrupted while it is put on record, leaves no task behind`, () =>
      Effect.gen(function*() {
        const { armed, gate, node } = withGate()
        const first = yield* node.open()
        yield* first.launcher.start(spec("a1"))
        armed.is = true
        const { fiber } = yield* collecting(first.launcher[task])
        yield* gate.reached
        const interrupting = yield* beside(Fiber.interrupt(fiber))
        yield* settle
        yield* gate.open
        yield* Fiber.join(interrupting)
        assert.strictEqual((yield* first.launcher.status).task, null)
        assert.strictEqual(node.disk.node.task, null)
        yield* first.close
        const launcher = yield* node.launcher()
        yield* settle
        assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      }))
  }

  it.effect("an evacuation that was answered with a failure is not begun by the next launcher", () =>
    Effect.gen(function*() {
      const lying = { is: false }
      const node = withNodeStore((store) => (record) =>
        Effect.suspend(() => {
          if (!lying.is) return store.putNode(record)
          lying.is = false
          return Effect.andThen(store.putNode(record), Effect.fail(new StoreError({ message: "it is full" })))
        })
      )
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      lying.is = true
      assert.strictEqual(yield* reasonOf(Stream.runDrain(first.launcher.evacuate)), "StateFailure")
      yield* TestClock.adjust("10 seconds")
      yield* first.close
      const launcher = yield* node.launcher()
      yield* settle
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
    }))

  it.effect("a node whose record can not be written answers within its deadline", () =>
    Effect.gen(function*() {
      const node = withNodeStore(() => () => Effect.never)
      const launcher = yield* node.launcher()
      const fiber = yield* beside(reasonOf(Stream.runDrain(launcher.evacuate)))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "StateFailure")
      yield* launcher.start(spec("a1"))
    }))

  it.effect("a reset touches nothing once its launcher is closed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let removed = 0
      node.wrapStore = (store) => ({
        ...store,
        removeUnreadable: () => Effect.sync(() => (removed++, ["/unreadable/1-b2.json"]))
      })
      const { close, launcher } = yield* node.open()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("kill")
      const { fiber, told } = yield* collecting(launcher.reset)
      yield* settle
      yield* close
      yield* gate.open
      yield* Fiber.await(fiber)
      assert.strictEqual(removed, 0)
      assert.deepStrictEqual(told.filter(({ what }) => what !== "instance"), [])
    }))

  it.effect("a closed launcher calls no guest an orphan", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const { close, launcher } = yield* node.open()
      yield* launcher.start(spec("a1"))
      yield* close
      assert.strictEqual(yield* reasonOf(launcher.orphans), "LauncherClosed")
    }))

  it.effect("what a virtualizer that dies leaves is not told as removed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      yield* node.leave(spec("a1"))
      const launcher = yield* node.launcher()
      yield* settle
      node.world.always("destroy", Effect.die("boom"))
      const removals = yield* Stream.runCollect(launcher.reset)
      assert.deepStrictEqual(removals.map(({ failure, name }) => [name, failure?.code]), [["a1", "instance_failure"]])
    }))

  it.effect("a virtualizer that dies when it is asked for its guests keeps nobody from the others", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.virtualizers = node.virtualizers.map((one) => ({ ...one, discover: Stream.die("boom") }))
      const launcher = yield* node.launcher()
      assert.deepStrictEqual(yield* launcher.orphans, [])
    }))

  it.effect("what is adopted during a reset is not left", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      yield* node.leave(spec("a1"))
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("b2"))
      const gate = node.world.hold("deleteImage")
      const { fiber } = yield* collecting(launcher.reset)
      yield* gate.reached
      const adopting = yield* beside(Effect.exit(launcher.adopt(spec("a1"))))
      yield* settle
      yield* gate.open
      yield* Fiber.join(fiber)
      yield* Fiber.join(adopting)
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("an adoption that was answered with a failure leaves no record", () =>
    Effect.gen(function*() {
      const lying = { is: false }
      const node = new TestNode()
      node.wrapStore = (store) => ({
        ...store,
        put: (record) =>
          Effect.suspend(() =>
            lying.is
              ? Effect.andThen(store.put(record), Effect.fail(new StoreError({ message: "it is full" })))
              : store.put(record)
          )
      })
      yield* node.leave(spec("a1"))
      const second = yield* node.open()
      lying.is = true
      assert.strictEqual(yield* reasonOf(second.launcher.adopt(spec("a1"))), "StateFailure")
      yield* second.launcher.destroyOrphan(a)
      assert.deepStrictEqual([...node.disk.records.keys()], [])
    }))
})
