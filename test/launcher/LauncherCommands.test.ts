import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { InstanceName } from "../../src/domain/InstanceId.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }

const isGone = (node: TestNode) => {
  assert.isTrue(node.world.isClean(a))
  assert.strictEqual(node.disk.records.size, 0)
}

describe("Launcher.start", () => {
  it.effect("returns when the instance runs", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const info = yield* launcher.start(spec("a1"))
      assert.strictEqual(info.state._tag, "Running")
      assert.strictEqual(info.starts, 1)
      assert.deepStrictEqual(yield* launcher.list, [info])
      assert.deepStrictEqual(yield* launcher.stats(a), { memoryBytes: 1 })
    }))

  it.effect("of the same instance at once gives one guest, and all succeed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const starts = yield* Effect.forEach(Array.from({ length: 5 }), () => beside(launcher.start(spec("a1"))))
      yield* gate.reached
      yield* gate.open
      for (const { starts: count } of yield* Fiber.joinAll(starts)) assert.strictEqual(count, 1)
      assert.deepStrictEqual(node.world.acts.filter((act) => act === "launch a1"), ["launch a1"])
      assert.strictEqual((yield* launcher.start(spec("a1"))).starts, 1)
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("is refused for another spec of the same id, and for a name that is taken", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const name = InstanceName.make("web")
      yield* launcher.start(spec("a1", { name }))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1", { name, vcpus: 2 }))), "InstanceExists")
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2", { name }))), "InstanceExists")
      yield* launcher.delete(a)
      assert.strictEqual((yield* launcher.start(spec("b2", { name }))).state._tag, "Running")
    }))

  it.effect("refuses what is not supported, and keeps nothing of it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      for (
        const refused of [
          spec("a1", { virtualizer: "docker" }),
          spec("a1", { boot: { kind: "container", image: "busybox" } })
        ]
      ) assert.strictEqual(yield* reasonOf(launcher.start(refused)), "NotSupported")
      assert.deepStrictEqual(yield* launcher.list, [])
      isGone(node)
    }))

  it.effect("starts a stopped instance again", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      assert.strictEqual((yield* launcher.start(spec("a1"))).starts, 2)
      assert.strictEqual(node.world.machine(a)?.pid, 2)
    }))
})

describe("Launcher.stop and delete", () => {
  it.effect("stop leaves the instance, stopped; stopping it again succeeds", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      yield* launcher.stop(a)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
      assert.isUndefined(node.world.machine(a))
      assert.strictEqual(yield* reasonOf(launcher.stats(a)), "InstanceFailure")
    }))

  it.effect("stop gives the grace of the spec, and an equal stop joins", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { stopGrace: Duration.seconds(30) }))
      const first = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopping")
      const second = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("19 seconds")
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.joinAll([first, second])
      assert.deepStrictEqual(node.world.acts.filter((act) => act === "stop a1"), ["stop a1"])
    }))

  it.effect("delete ends the guest at once and leaves nothing", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { volumes: [disk] }))
      yield* launcher.delete(a)
      isGone(node)
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.strictEqual(yield* reasonOf(launcher.get(a)), "NoInstance")
      assert.strictEqual(yield* reasonOf(launcher.delete(a)), "NoInstance")
      // Neither its id nor its volume is taken any more.
      yield* launcher.start(spec("b2", { volumes: [disk] }))
      yield* launcher.start(spec("a1", { vcpus: 2 }))
    }))

  it.effect("during a delete every other command gets NoInstance, and a second delete joins", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("deleteImage")
      const first = yield* beside(launcher.delete(a))
      yield* gate.reached
      const second = yield* beside(launcher.delete(a))
      for (
        const refused of [
          launcher.stop(a),
          launcher.pause(a),
          launcher.resume(a),
          launcher.attach(a, disk),
          launcher.detach(a, disk.id)
        ]
      ) assert.strictEqual(yield* reasonOf(refused), "NoInstance")
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "NoInstance")
      yield* gate.open
      yield* Fiber.joinAll([first, second])
      isGone(node)
    }))

  it.effect("a weaker command waits for a stop in progress, then acts", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const stop = yield* beside(launcher.stop(a))
      yield* settle
      const start = yield* beside(launcher.start(spec("a1")))
      const attach = yield* beside(launcher.attach(a, disk))
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(start.pollUnsafe())
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.join(stop)
      assert.strictEqual((yield* Fiber.join(start)).starts, 2)
      yield* Fiber.join(attach)
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [disk])
    }))

  it.effect("stop supersedes a start that hangs: the step is undone before the start is told", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const undone: Array<string> = []
      node.world.next(
        "image",
        Effect.onInterrupt(
          Effect.never,
          () => Effect.andThen(Effect.sleep("2 seconds"), Effect.sync(() => undone.push("image")))
        )
      )
      const start = yield* beside(
        Effect.tap(reasonOf(launcher.start(spec("a1"))), () => Effect.sync(() => undone.push("told")))
      )
      yield* settle
      const stop = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(start), "Superseded")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(undone, ["image", "told"])
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
      assert.isUndefined(node.world.machine(a))
    }))

  it.effect("delete supersedes a stop in its grace", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const stop = yield* beside(reasonOf(launcher.stop(a)))
      yield* TestClock.adjust("1 seconds")
      yield* launcher.delete(a)
      assert.strictEqual(yield* Fiber.join(stop), "Superseded")
      isGone(node)
    }))

  it.effect("scoped deletes when its scope closes, and when its start is interrupted", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* Effect.scoped(Effect.gen(function*() {
        yield* launcher.scoped(spec("a1"))
        assert.isDefined(node.world.machine(a))
      }))
      isGone(node)
      const gate = node.world.hold("launch")
      const use = yield* beside(Effect.scoped(Effect.andThen(launcher.scoped(spec("a1")), Effect.never)))
      yield* gate.reached
      yield* Fiber.interrupt(use)
      isGone(node)
      const running = yield* beside(Effect.scoped(Effect.andThen(launcher.scoped(spec("a1")), Effect.never)))
      yield* settle
      assert.isDefined(node.world.machine(a))
      yield* Fiber.interrupt(running)
      isGone(node)
    }))
})
