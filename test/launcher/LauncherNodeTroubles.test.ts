import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { collecting, withNodeStore } from "./nodeTasks.ts"
import { beside, id, reasonOf, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")

describe("tasks of a node in trouble", () => {
  it.effect("the end of a reset is written as soon as it can be, and then instances are started again", () =>
    Effect.gen(function*() {
      let isFull = false
      const node = withNodeStore((store) => (record) =>
        Effect.suspend(() =>
          isFull && record.task === null ? Effect.fail(new StoreError({ message: "full" })) : store.putNode(record)
        )
      )
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      isFull = true
      yield* Stream.runDrain(launcher.reset)
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2"))), "NodeMaintenance")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.status).task, "reset")
      isFull = false
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* launcher.status).task, null)
      assert.strictEqual((yield* launcher.start(spec("b2"))).state._tag, "Running")
    }))

  it.effect("a reset removes an orphan also when somebody is about to adopt it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      yield* node.leave(spec("a1"))
      const launcher = yield* node.launcher()
      yield* settle
      const gate = node.world.hold("connect")
      const adoption = yield* beside(reasonOf(launcher.adopt(spec("a1"))))
      yield* gate.reached
      const { fiber, told } = yield* collecting(launcher.reset)
      yield* settle
      assert.strictEqual(yield* reasonOf(launcher.adopt(spec("b2"))), "NodeMaintenance")
      yield* gate.open
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* Fiber.join(adoption), "NodeMaintenance")
      assert.deepStrictEqual(told.map(({ failure, name, what }) => [what, name, failure]), [[
        "orphan",
        "a1",
        undefined
      ]])
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("an instance that can not be ended keeps the others of an evacuation waiting no longer than that should take", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ removalsAtOnce: 1 })
      for (const text of ["a1", "b2"]) yield* launcher.start(spec(text))
      let isStuck = true
      for (const point of ["stop", "kill"] as const) {
        node.world.always(point, Effect.suspend(() => isStuck ? Effect.never : Effect.void))
      }
      const { fiber, told } = yield* collecting(launcher.evacuate)
      // What taking hold of it, its grace, a stop and a delete may take.
      yield* TestClock.adjust("140 seconds")
      assert.deepStrictEqual(told.map(({ failure, name }) => [name, failure?.reason._tag]), [["a1", "TimedOut"]])
      isStuck = false
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(fiber)
      assert.lengthOf(told, 2)
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("an evacuation gives every guest its grace, also one that has yet to be taken hold of", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1", { stopGrace: Duration.seconds(10) }))
      yield* first.close
      const gate = node.world.hold("connect")
      const opening = yield* beside(node.launcher())
      yield* TestClock.adjust("2 seconds")
      const launcher = yield* Fiber.join(opening)
      const { fiber } = yield* collecting(launcher.evacuate)
      yield* TestClock.adjust("25 seconds")
      yield* gate.open
      yield* settle
      yield* TestClock.adjust("8 seconds")
      assert.isDefined(node.world.machine(a))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.isUndefined(node.world.machine(a))
    }))

  it.effect("the end of a reset is written though the store broke once", () =>
    Effect.gen(function*() {
      let isBroken = true
      const node = withNodeStore((store) => (record) =>
        Effect.suspend(() => {
          if (!isBroken || record.task !== null) return store.putNode(record)
          isBroken = false
          return Effect.die("boom")
        })
      )
      const launcher = yield* node.launcher()
      yield* Stream.runDrain(launcher.reset)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.status).task, null)
    }))
})
