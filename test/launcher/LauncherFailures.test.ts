import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import {
  HostFailure,
  ImageUnusable,
  LaunchFailed,
  NoSpace,
  PathRefused,
  type Reason,
  Unreachable
} from "../../src/VirtualizerError.ts"
import { failing, type Point } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")

describe("a first start that fails", () => {
  const cases: ReadonlyArray<readonly [Point, Reason, string, string]> = [
    ["image", new ImageUnusable({ path: "/i", detail: "damaged" }), "image_failure", "image"],
    ["image", new PathRefused({ path: "/i", roots: ["/r"] }), "image_failure", "image"],
    ["create", new NoSpace({ path: "/d" }), "image_failure", "create"],
    ["created", new HostFailure({ detail: "no tool" }), "image_failure", "create"]
  ]
  for (const [point, reason, code, phase] of cases) {
    it.effect(`at ${point} (${reason._tag}) leaves nothing`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const launcher = yield* node.launcher()
        node.world.next(point, failing(reason))
        const error = yield* Effect.flip(launcher.start(spec("a1", { volumes: [{ id: volume("disk") }] })))
        assert.strictEqual(error.code, code)
        assert.isTrue(error.reason._tag === "StepFailed" && error.reason.phase === phase)
        assert.include(error.message, reason.message)
        assert.isTrue(node.world.isClean(a))
        assert.strictEqual(node.disk.records.size, 0)
        assert.deepStrictEqual(yield* launcher.list, [])
        yield* launcher.start(spec("b2", { volumes: [{ id: volume("disk") }] }))
      }))
  }

  it.effect("for want of a volume leaves nothing", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.missing.add(volume("disk"))
      const error = yield* Effect.flip(launcher.start(spec("a1", { volumes: [{ id: volume("disk") }] })))
      assert.strictEqual(error.code, "image_failure")
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("when nobody waits for it any more stays, as failed", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      const gate = node.world.hold("image")
      const start = yield* beside(reasonOf(first.launcher.start(spec("a1"))))
      yield* gate.reached
      yield* first.close
      assert.strictEqual(yield* Fiber.join(start), "LauncherClosed")
      node.world.next("image", failing(new ImageUnusable({ path: "/i", detail: "damaged" })))
      const launcher = yield* node.launcher()
      yield* settle
      const { state } = yield* launcher.get(a)
      assert.isTrue(state._tag === "Failed" && state.phase === "image" && state.reason === "image_failure")
    }))
})

describe("a start that fails at its launch", () => {
  const cases: ReadonlyArray<readonly [string, (node: TestNode) => void, string]> = [
    [
      "before there is a guest",
      ({ world }) => world.next("launch", failing(new LaunchFailed({ detail: "no" }))),
      "launch"
    ],
    [
      "after there was a guest",
      ({ world }) => world.next("launched", failing(new LaunchFailed({ detail: "no" }))),
      "launch"
    ],
    ["for it never connects", ({ world }) => world.next("connect", Effect.never), "connect"],
    ["for it takes too long", ({ world }) => world.next("launch", Effect.never), "launch"],
    ["for its virtualizer dies", ({ world }) => world.next("launch", Effect.die("a bug")), "launch"],
    ["for it ends before it connects", ({ world }) => {
      world.next(
        "connect",
        Effect.andThen(Effect.sync(() => world.exit(a, { _tag: "Exited", code: 1 })), Effect.never)
      )
    }, "connect"],
    ["for its control socket goes before it connects", ({ world }) => {
      world.next("connect", Effect.andThen(Effect.sync(() => world.reachable(a, false)), Effect.never))
    }, "connect"]
  ]
  for (const [why, script, phase] of cases) {
    it.effect(`${why}: the instance stays, as failed, without a guest; it can be started again and deleted`, () =>
      Effect.gen(function*() {
        const node = new TestNode()
        const launcher = yield* node.launcher()
        script(node)
        const start = yield* beside(Effect.flip(launcher.start(spec("a1"))))
        yield* TestClock.adjust("1 minute")
        const error = yield* Fiber.join(start)
        assert.isTrue(error.reason._tag === "StepFailed" && error.reason.phase === phase)
        assert.isUndefined(node.world.machine(a))
        const { state } = yield* launcher.get(a)
        assert.isTrue(state._tag === "Failed" && state.phase === phase)
        assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
        yield* launcher.delete(a)
        assert.isTrue(node.world.isClean(a))
      }))
  }

  it.effect("can be deleted at once", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      assert.strictEqual((yield* Effect.flip(launcher.start(spec("a1")))).code, "launch_failure")
      yield* launcher.delete(a)
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("an image that is unusable at the launch is an image failure", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.next("launch", failing(new ImageUnusable({ path: "/i", detail: "gone" })))
      assert.strictEqual((yield* Effect.flip(launcher.start(spec("a1")))).code, "image_failure")
    }))
})

describe("a later start that fails", () => {
  it.effect("leaves the instance, as failed, whatever the phase", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      node.world.places.delete(a)
      yield* launcher.attach(a, { id: volume("disk") })
      node.missing.add(volume("disk"))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StepFailed")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Failed")
    }))

  it.effect("also when its first one was stopped before it came to the launch", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* gate.reached
      yield* launcher.stop(a)
      yield* Fiber.join(start)
      node.world.next("image", failing(new ImageUnusable({ path: "/i", detail: "damaged" })))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StepFailed")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Failed")
    }))
})

describe("a running guest", () => {
  it.effect("that ends by itself is exited, with its status", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.exit(a, { _tag: "Panicked" })
      yield* settle
      assert.deepStrictEqual((yield* launcher.get(a)).state, { _tag: "Exited", status: { _tag: "Panicked" } })
      assert.strictEqual((yield* launcher.start(spec("a1"))).starts, 2)
    }))

  it.effect("that pauses by itself is shown as paused, and resumed on command only", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.emit(a, { _tag: "Paused" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Paused")
      yield* launcher.resume(a)
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      assert.isFalse(node.world.machine(a)?.paused)
    }))

  it.effect("whose control socket goes is unknown, probed with back-off, and runs again when that is back", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* TestClock.adjust("5 seconds")
      yield* launcher.start(spec("a1"))
      node.world.reachable(a, false)
      yield* settle
      const { state } = yield* launcher.get(a)
      assert.deepInclude(state, { _tag: "Unknown", sinceMillis: 5_000 })
      const before = node.world.acts.length
      yield* TestClock.adjust("10 minutes")
      const probes = node.world.acts.slice(before).filter((act) => act === "probe a1").length
      assert.isTrue(probes > 100 && probes < 130, `${probes} probes`)
      assert.deepInclude((yield* launcher.get(a)).state, { _tag: "Unknown", sinceMillis: 5_000 })
      node.world.reachable(a, true)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      assert.strictEqual(node.world.machine(a)?.pid, 1)
    }))

  it.effect("that can not be asked is stopped by force, and deleted", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      node.world.reachable(a, false)
      yield* settle
      const stop = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(stop)
      assert.isUndefined(node.world.machine(a))
      yield* launcher.delete(a)
      assert.isTrue(node.world.isClean(a))
    }))

  it.effect("survives that its virtualizer dies at whatever it is asked; other instances do not notice", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.start(spec("b2"))
      for (const point of ["pause", "attach", "stop"] as const) node.world.next(point, Effect.die("a bug"))
      assert.strictEqual(yield* reasonOf(launcher.pause(a)), "StepFailed")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* reasonOf(launcher.attach(a, { id: volume("disk") })), "StepFailed")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Running")
      const stop = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(stop)
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Running")
    }))
})

describe("what is there already under an id that no record explains", () => {
  it.effect("is left alone: a disk, a guest", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.place(a).disk = true
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "InstanceExists")
      assert.isTrue(node.world.place(a).disk)
      node.world.boot(a, [])
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "InstanceExists")
      assert.isDefined(node.world.machine(a))
      assert.strictEqual(node.disk.records.size, 0)
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("is left alone also when it could not be looked at first", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      node.world.place(a).disk = true
      node.world.next("probe", failing(new Unreachable({ detail: "busy" })))
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(start), "InstanceExists")
      assert.isTrue(node.world.place(a).disk)
    }))

  it.effect("is left alone by the launcher that finds the record of a start cut short before it looked", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      const gate = node.world.hold("probe")
      const start = yield* beside(reasonOf(first.launcher.start(spec("a1"))))
      yield* gate.reached
      yield* first.close
      yield* Fiber.join(start)
      node.world.boot(a, [])
      const launcher = yield* node.launcher()
      yield* settle
      assert.isDefined(node.world.machine(a))
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("is left alone when the record that explained it can not be read any more", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      yield* node.leave(spec("a1"))
      node.wrapStore = (store) => ({
        ...store,
        load: Effect.map(store.load, (found) => ({
          ...found,
          unreadable: [{ path: "/unreadable/2-a1.json", why: "not JSON" }]
        }))
      })
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "InstanceExists")
      assert.isDefined(node.world.machine(a))
    }))
})
