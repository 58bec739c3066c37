import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Unreachable } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }

/** A node on which a guest runs that no record explains. */
const withOrphan = Effect.gen(function*() {
  const node = new TestNode()
  yield* node.leave(spec("a1", { volumes: [disk] }))
  const launcher = yield* node.launcher()
  yield* settle
  return { node, launcher, pid: node.world.machine(a)?.pid }
})

describe("orphans", () => {
  it.effect("are told, and left alone", () =>
    Effect.gen(function*() {
      const { launcher, node, pid } = yield* withOrphan
      yield* launcher.start(spec("b2"))
      assert.deepStrictEqual(yield* launcher.orphans, [
        { id: a, guest: { virtualizer: "qemu", handle: `pid ${pid}` } }
      ])
      assert.strictEqual((yield* launcher.status).orphans, 1)
      assert.strictEqual(node.world.machine(a)?.pid, pid)
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1", { volumes: [disk] }))), "InstanceExists")
      assert.strictEqual(node.world.machine(a)?.pid, pid)
    }))

  it.effect("become instances again by a spec that fits, under the same guest", () =>
    Effect.gen(function*() {
      const { launcher, node, pid } = yield* withOrphan
      const adopted = yield* launcher.adopt(spec("a1", { volumes: [disk] }))
      assert.deepInclude(adopted, { state: { _tag: "Running" }, volumes: [disk], starts: 1 })
      assert.strictEqual(node.world.machine(a)?.pid, pid)
      assert.deepStrictEqual(yield* launcher.orphans, [])
      assert.strictEqual(yield* reasonOf(launcher.start(spec("b2", { volumes: [disk] }))), "AlreadyAttached")
      yield* launcher.stop(a)
      yield* launcher.delete(a)
      assert.isTrue(node.world.isClean(a))
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("are not adopted by what does not fit, and nothing changes", () =>
    Effect.gen(function*() {
      const { launcher, node, pid } = yield* withOrphan
      yield* launcher.start(spec("b2"))
      const fits = spec("a1", { volumes: [disk] })
      const misfit = yield* Effect.flip(launcher.adopt(spec("a1")))
      assert.include(misfit.message, "its guest has the volumes disk, and the specification none")
      assert.strictEqual(yield* reasonOf(launcher.adopt(spec("b2"))), "InstanceExists")
      assert.strictEqual(yield* reasonOf(launcher.adopt(spec("c3"))), "NoInstance")
      assert.strictEqual(yield* reasonOf(launcher.adopt(spec("a1", { virtualizer: "docker" }))), "NotSupported")
      node.world.next("monitor", failing(new Unreachable({ detail: "silent" })))
      assert.strictEqual(yield* reasonOf(launcher.adopt(fits)), "InstanceFailure")
      const gate = node.world.hold("connect")
      const adoption = yield* beside(launcher.adopt(fits))
      yield* gate.reached
      yield* Fiber.interrupt(adoption)
      assert.lengthOf(yield* launcher.list, 1)
      assert.deepStrictEqual([...node.disk.records.keys()], ["b2"])
      assert.strictEqual(node.world.machine(a)?.pid, pid)
      assert.strictEqual((yield* launcher.adopt(fits)).state._tag, "Running")
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("are destroyed on command, and the id is free then", () =>
    Effect.gen(function*() {
      const { launcher, node } = yield* withOrphan
      yield* launcher.destroyOrphan(a)
      assert.isTrue(node.world.isClean(a))
      assert.deepStrictEqual(yield* launcher.orphans, [])
      assert.strictEqual((yield* launcher.start(spec("a1", { volumes: [disk] }))).state._tag, "Running")
      assert.strictEqual(yield* reasonOf(launcher.destroyOrphan(a)), "InstanceExists")
      assert.isDefined(node.world.machine(a))
    }))

  it.effect("that are being destroyed can not be started meanwhile, and adopting or destroying them waits", () =>
    Effect.gen(function*() {
      const { launcher, node } = yield* withOrphan
      const gate = node.world.hold("destroy")
      const destroying = yield* beside(launcher.destroyOrphan(a))
      yield* gate.reached
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "InstanceExists")
      const adopting = yield* beside(reasonOf(launcher.adopt(spec("a1", { volumes: [disk] }))))
      const again = yield* beside(launcher.destroyOrphan(a))
      const leaving = yield* beside(launcher.destroyOrphan(a))
      yield* settle
      yield* Fiber.interrupt(leaving)
      assert.isUndefined(adopting.pollUnsafe())
      yield* gate.open
      yield* Fiber.joinAll([destroying, again])
      assert.strictEqual(yield* Fiber.join(adopting), "NoInstance")
      assert.isTrue(node.world.isClean(a))
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
    }))

  it.effect("are not told any more once they are destroyed or adopted", () =>
    Effect.gen(function*() {
      const { launcher } = yield* withOrphan
      assert.strictEqual((yield* launcher.status).orphans, 1)
      yield* launcher.destroyOrphan(a)
      assert.strictEqual((yield* launcher.status).orphans, 0)
      const other = yield* withOrphan
      yield* other.launcher.adopt(spec("a1", { volumes: [disk] }))
      assert.strictEqual((yield* other.launcher.status).orphans, 0)
    }))

  it.effect("what is being done about them ends with the launcher, which says so", () =>
    Effect.gen(function*() {
      const { node } = yield* withOrphan
      const { close, launcher } = yield* node.open()
      const gate = node.world.hold("destroy")
      const destroying = yield* beside(reasonOf(launcher.destroyOrphan(a)))
      yield* gate.reached
      yield* close
      assert.strictEqual(yield* Fiber.join(destroying), "LauncherClosed")
      yield* gate.open
      yield* settle
      assert.isDefined(node.world.machine(a))
      assert.strictEqual(yield* reasonOf(launcher.destroyOrphan(a)), "LauncherClosed")
    }))

  it.effect("are counted one by one", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      yield* node.leave(spec("a1"), spec("b2"))
      const launcher = yield* node.launcher()
      yield* settle
      const orphans = Effect.map(launcher.status, ({ orphans }) => orphans)
      yield* launcher.destroyOrphan(id("c3"))
      assert.strictEqual(yield* orphans, 2)
      const gate = node.world.hold("destroy")
      const leaving = yield* beside(launcher.destroyOrphan(a))
      yield* gate.reached
      yield* launcher.orphans
      yield* Fiber.interrupt(leaving)
      assert.strictEqual(yield* orphans, 2)
      yield* Effect.all([launcher.destroyOrphan(a), launcher.destroyOrphan(a)], { concurrency: 2 })
      assert.strictEqual(yield* orphans, 1)
    }))

  it.effect("keep no launcher from closing, though a virtualizer hangs", () =>
    Effect.gen(function*() {
      const { node } = yield* withOrphan
      node.virtualizers = node.virtualizers.map((one) => ({ ...one, make: () => Effect.never }))
      const { close, launcher } = yield* node.open()
      const start = yield* beside(reasonOf(launcher.start(spec("b2"))))
      yield* settle
      const destroying = yield* beside(reasonOf(launcher.destroyOrphan(a)))
      yield* settle
      const closing = yield* beside(close)
      yield* TestClock.adjust("1 minute")
      assert.isDefined(closing.pollUnsafe())
      assert.strictEqual(yield* Fiber.join(destroying), "LauncherClosed")
      assert.include(["StepFailed", "LauncherClosed"], yield* Fiber.join(start))
    }))
})
