import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Limits from "../../src/launcher/Limits.ts"
import { LaunchFailed } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, sample, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")

describe("Launcher.create", () => {
  it.effect("leaves an instance that is stopped, on record, and that a start finds", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      assert.deepInclude(yield* first.launcher.create(spec("a1")), { state: { _tag: "Stopped" }, starts: 0 })
      assert.notInclude(node.world.acts, "launch a1")
      yield* first.close
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepInclude(yield* launcher.get(a), { state: { _tag: "Stopped" }, starts: 0 })
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1", { restart: "always" }))), "InstanceExists")
      assert.deepInclude(yield* launcher.start(spec("a1")), { state: { _tag: "Running" }, starts: 1 })
      assert.deepInclude(yield* launcher.create(spec("a1")), { state: { _tag: "Running" }, starts: 1 })
      yield* launcher.delete(a)
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("what was created stays when its first start fails or is withdrawn", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.create(spec("a1"))
      node.world.next("image", failing(new LaunchFailed({ detail: "no" })))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StepFailed")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Failed")
      yield* launcher.create(spec("b2"))
      const gate = node.world.hold("create")
      const start = yield* beside(launcher.start(spec("b2")))
      yield* gate.reached
      yield* Fiber.interrupt(start)
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Stopped")
    }))

  it.effect("so does what is being started already when somebody creates it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("create")
      const start = yield* beside(launcher.start(spec("a1")))
      yield* gate.reached
      yield* launcher.create(spec("a1"))
      yield* Fiber.interrupt(start)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
    }))

  it.effect("holds its disk of the node, and the rest from its start on", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.succeed(sample({ memoryAvailableBytes: 100 * 2 ** 20 }))
      const launcher = yield* node.launcher({ limits: { ...Limits.scaled, memory: { fullBelow: 0, refuseBelow: 0 } } })
      for (const text of ["a1", "b2"]) yield* launcher.create(spec(text))
      assert.strictEqual((yield* launcher.status).reserved.memoryBytes, 0)
      yield* launcher.start(spec("a1"))
      assert.strictEqual((yield* launcher.status).reserved.memoryBytes, 64 * 2 ** 20)
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2"))), "NodeFull")
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Stopped")
    }))

  it.effect("is refused where something of that id is there that no record explains, and in maintenance", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.place(a).disk = true
      const launcher = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(launcher.create(spec("a1"))), "InstanceExists")
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.isTrue(node.world.place(a).disk)
      node.disk.node = { ...node.disk.node, maintenance: true }
      const next = yield* node.launcher()
      assert.strictEqual(yield* reasonOf(next.create(spec("b2"))), "NodeMaintenance")
    }))

  it.effect("with a delete, a stop and others who create it, all are answered", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("probe")
      const first = yield* beside(launcher.create(spec("a1")))
      yield* gate.reached
      const second = yield* beside(launcher.create(spec("a1")))
      const stop = yield* beside(launcher.stop(a))
      yield* settle
      yield* gate.open
      yield* Fiber.joinAll([first, second])
      yield* Fiber.join(stop)
      const held = node.world.hold("probe")
      const third = yield* beside(reasonOf(launcher.create(spec("b2"))))
      yield* held.reached
      yield* launcher.delete(id("b2"))
      assert.strictEqual(yield* Fiber.join(third), "Superseded")
    }))
})
