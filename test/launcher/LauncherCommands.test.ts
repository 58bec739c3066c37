import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { InstanceName } from "../../src/domain/InstanceId.ts"
import { AttachFailed, DetachFailed, HostFailure } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const b = id("b2")
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
          spec("a1", { restart: "always" }),
          spec("a1", { restart: "on-failure" }),
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

describe("Launcher.pause, resume, attach, detach", () => {
  it.effect("pause and resume a running instance, and refuse a stopped one", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.pause(a)
      yield* launcher.pause(a)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Paused")
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Paused")
      yield* launcher.resume(a)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      assert.isFalse(node.world.machine(a)?.paused)
      yield* launcher.stop(a)
      assert.strictEqual(yield* reasonOf(launcher.pause(a)), "InstanceFailure")
      assert.strictEqual(yield* reasonOf(launcher.resume(a)), "InstanceFailure")
    }))

  it.effect("a pause that fails leaves the instance running", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.next("pause", failing(new HostFailure({ detail: "no" })))
      assert.strictEqual(yield* reasonOf(launcher.pause(a)), "StepFailed")
      yield* settle
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
    }))

  it.effect("attach and detach reach a running guest now and a stopped one at its next start", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.attach(a, disk)
      yield* launcher.attach(a, disk)
      assert.deepStrictEqual([...node.world.machine(a)!.volumes], ["disk"])
      assert.strictEqual(yield* reasonOf(launcher.attach(a, { ...disk, readOnly: true })), "InstanceFailure")
      yield* launcher.detach(a, disk.id)
      yield* launcher.detach(a, disk.id)
      assert.deepStrictEqual([...node.world.machine(a)!.volumes], [])
      yield* launcher.stop(a)
      yield* launcher.attach(a, disk)
      yield* launcher.start(spec("a1"))
      assert.deepStrictEqual([...node.world.machine(a)!.volumes], ["disk"])
    }))

  it.effect("the volume it boots from stays", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { boot: { kind: "volume", volume: disk.id }, volumes: [disk] }))
      assert.strictEqual(yield* reasonOf(launcher.detach(a, disk.id)), "NotSupported")
    }))

  it.effect("what fails to be attached or detached is as it was", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const readOnly = { ...disk, readOnly: true }
      yield* launcher.start(spec("a1"))
      node.world.next("attach", failing(new AttachFailed({ volume: disk.id, detail: "no" })))
      const error = yield* Effect.flip(launcher.attach(a, readOnly))
      assert.strictEqual(error.code, "attach_failure")
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [])
      yield* launcher.attach(a, readOnly)
      node.world.next("detach", failing(new DetachFailed({ volume: disk.id, detail: "no" })))
      assert.strictEqual(yield* reasonOf(launcher.detach(a, disk.id)), "StepFailed")
      // It stays read-only, too.
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [readOnly])
      yield* launcher.detach(a, disk.id)
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [])
      node.missing.add(disk.id)
      assert.strictEqual((yield* Effect.flip(launcher.attach(a, disk))).code, "attach_failure")
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [])
    }))

  it.effect("a volume belongs to one instance, until it is detached or its instance deleted", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { volumes: [disk] }))
      yield* launcher.start(spec("b2"))
      assert.strictEqual(yield* reasonOf(launcher.attach(b, disk)), "AlreadyAttached")
      assert.strictEqual(yield* reasonOf(launcher.start(spec("c3", { volumes: [disk] }))), "AlreadyAttached")
      yield* launcher.stop(a)
      assert.strictEqual(yield* reasonOf(launcher.attach(b, disk)), "AlreadyAttached")
      yield* launcher.detach(a, disk.id)
      yield* launcher.attach(b, disk)
      yield* launcher.delete(b)
      yield* launcher.attach(a, disk)
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("stop supersedes a detach: the volume is back, unless another instance took it meanwhile", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("b2"))
      for (const isTaken of [false, true]) {
        const gate = node.world.hold("image")
        const start = yield* beside(reasonOf(launcher.start(spec("a1", { volumes: [disk] }))))
        yield* gate.reached
        const detach = yield* beside(reasonOf(launcher.detach(a, disk.id)))
        yield* settle
        if (isTaken) yield* launcher.attach(b, disk)
        yield* launcher.stop(a)
        assert.deepStrictEqual(yield* Fiber.joinAll([start, detach]), ["Superseded", "Superseded"])
        assert.deepStrictEqual((yield* launcher.get(a)).volumes, isTaken ? [] : [disk])
        yield* launcher.delete(a)
      }
      yield* launcher.start(spec("a1"))
      assert.strictEqual(yield* reasonOf(launcher.attach(a, disk)), "AlreadyAttached")
    }))

  it.effect("stop supersedes an attach, which then never was", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("attach")
      const attach = yield* beside(reasonOf(launcher.attach(a, disk)))
      yield* gate.reached
      yield* launcher.stop(a)
      assert.strictEqual(yield* Fiber.join(attach), "Superseded")
      assert.deepStrictEqual((yield* launcher.get(a)).volumes, [])
      yield* launcher.start(spec("b2", { volumes: [disk] }))
    }))
})
