import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { AttachFailed, DetachFailed, HostFailure } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const b = id("b2")
const disk = { id: volume("disk") }

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

  it.effect("a volume is its instance's until what gave it to the guest is over, also when it is not wanted any more", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("b2"))
      yield* launcher.start(spec("a1"))
      const undoing = Deferred.makeUnsafe<void>()
      const undone = Deferred.makeUnsafe<void>()
      const undo = Effect.andThen(Deferred.succeed(undoing, undefined), Deferred.await(undone))
      node.world.next("attach", Effect.onInterrupt(Effect.never, () => undo))
      const attach = yield* beside(reasonOf(launcher.attach(a, disk)))
      yield* settle
      const detach = yield* beside(launcher.detach(a, disk.id))
      yield* Deferred.await(undoing)
      assert.strictEqual(yield* reasonOf(launcher.attach(b, disk)), "AlreadyAttached")
      yield* Deferred.succeed(undone, undefined)
      yield* Fiber.join(detach)
      assert.strictEqual(yield* Fiber.join(attach), "Superseded")
      yield* launcher.attach(b, disk)
      yield* launcher.detach(b, disk.id)

      yield* launcher.delete(a)
      const launch = node.world.hold("launch")
      const start = yield* beside(launcher.start(spec("a1", { volumes: [disk] })))
      yield* launch.reached
      const detachAgain = yield* beside(launcher.detach(a, disk.id))
      yield* settle
      assert.strictEqual(yield* reasonOf(launcher.attach(b, disk)), "AlreadyAttached")
      yield* launch.open
      yield* Fiber.joinAll([start, detachAgain])
      yield* launcher.attach(b, disk)
      assert.deepStrictEqual(node.world.violations, [])
    }))
})
