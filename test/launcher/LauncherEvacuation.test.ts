import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import type { Removal } from "../../src/launcher/Removals.ts"
import { StillAlive } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")
const b = id("b2")
const texts = ["a1", "b2", "c3", "d4"]

const removed = (removals: ReadonlyArray<Removal>) =>
  removals.map(({ done, name, total, what }) => [what, name, done, total])

const startAll = (launcher: Launcher["Service"]) => Effect.forEach(texts, (text) => launcher.start(spec(text)))

/** Collects what a stream tells, as long as it does. */
const collecting = (removals: Launcher["Service"]["evacuate"]) =>
  Effect.gen(function*() {
    const told: Array<Removal> = []
    const fiber = yield* beside(Stream.runForEach(removals, (one) => Effect.sync(() => told.push(one))))
    return { told, fiber }
  })

describe("Launcher.evacuate", () => {
  it.effect("stops and removes everything, tells each, and takes nothing until it is restored", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* startAll(launcher)
      yield* launcher.pause(b)
      yield* launcher.stop(id("c3"))
      const removals = yield* Stream.runCollect(launcher.evacuate)
      assert.sameDeepMembers(removals.map(({ name }) => name), texts)
      assert.deepStrictEqual(removals.map(({ done, total }) => [done, total]), [[1, 4], [2, 4], [3, 4], [4, 4]])
      assert.deepStrictEqual(removals.filter(({ failure }) => failure !== undefined), [])
      // Asked to end first, as a stop does.
      assert.include(node.world.acts, "stop a1")
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.deepStrictEqual([...node.disk.records.keys()], [])
      assert.isTrue(texts.every((text) => node.world.isClean(id(text))))
      assert.deepInclude(yield* launcher.status, { condition: { _tag: "Maintenance" }, task: null })
      assert.strictEqual((yield* Effect.flip(launcher.start(spec("a1")))).code, "node_maintenance")
      yield* launcher.restore
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
      assert.strictEqual((yield* launcher.status).condition._tag, "Ready")
    }))

  it.effect("keeps the node in maintenance under the next launcher, and what runs there runs on", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      const gate = node.world.hold("stop")
      const { fiber } = yield* collecting(first.launcher.evacuate)
      yield* gate.reached
      yield* Fiber.interrupt(fiber)
      node.world.calm()
      yield* first.close
      const launcher = yield* node.launcher()
      assert.strictEqual((yield* launcher.status).condition._tag, "Maintenance")
      assert.strictEqual((yield* Effect.flip(launcher.start(spec("b2")))).code, "node_maintenance")
      yield* settle
      // A stop that was begun stands; what was not begun is left.
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Stopped")
      yield* launcher.restore
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
    }))

  it.effect("interrupted, has told how far it got, and leaves what it had not begun", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ removalsAtOnce: 1 })
      yield* startAll(launcher)
      const gate = node.world.hold("deleteImage")
      const { fiber, told } = yield* collecting(launcher.evacuate)
      yield* gate.reached
      yield* gate.open
      yield* settle
      assert.isAtLeast(told.length, 1)
      const second = node.world.hold("deleteImage")
      yield* Effect.raceFirst(second.reached, settle)
      yield* Fiber.interrupt(fiber)
      const done = told.length
      yield* second.open
      yield* settle
      assert.strictEqual(told.length, done)
      assert.strictEqual(told.at(-1)?.done, done)
      const left = yield* launcher.list
      assert.isAtMost(left.length, texts.length - done)
      assert.deepInclude(yield* launcher.status, { condition: { _tag: "Maintenance" }, task: null })
      // Asked again, it goes on.
      yield* Stream.runDrain(launcher.evacuate)
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("takes over from starts under way, and no start slips in", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* gate.reached
      const late = yield* Effect.forEach(texts.slice(1), (text) => beside(Effect.exit(launcher.start(spec(text)))))
      const { fiber } = yield* collecting(launcher.evacuate)
      const tooLate = yield* beside(Effect.exit(launcher.start(spec("e5"))))
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* Fiber.join(start), "Superseded")
      yield* Fiber.joinAll(late)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(tooLate)))
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.deepStrictEqual(node.world.violations, [])
    }))

  it.effect("tells what it could not remove, and goes on with the others", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ commandDeadline: Duration.minutes(1) })
      yield* startAll(launcher)
      node.world.always("stop", failing(new StillAlive({ handle: "pid 7" })))
      node.world.always("kill", failing(new StillAlive({ handle: "pid 7" })))
      const { fiber, told } = yield* collecting(launcher.evacuate)
      yield* settle
      for (const text of texts.slice(1)) node.world.exit(id(text), { _tag: "PoweredOff" })
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(fiber)
      assert.sameDeepMembers(told.map(({ failure, name }) => [name, failure?.code]), [
        ["a1", "timed_out"],
        ["b2", undefined],
        ["c3", undefined],
        ["d4", undefined]
      ])
      // The intent stands: when it can be removed, it is.
      assert.strictEqual((yield* launcher.get(a)).state._tag, "Unknown")
      node.world.calm()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* launcher.list, [])
    }))

  it.effect("is gone on with by the next launcher where this one closes in the middle", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open({ removalsAtOnce: 1 })
      yield* startAll(first.launcher)
      const gate = node.world.hold("deleteImage")
      const { fiber } = yield* collecting(first.launcher.evacuate)
      yield* gate.reached
      yield* first.close
      yield* Fiber.await(fiber)
      node.world.calm()
      assert.strictEqual(node.disk.node.task, "evacuation")
      const launcher = yield* node.launcher()
      yield* Effect.repeat(settle, { until: () => Effect.succeed(node.disk.node.task === null), times: 100 })
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.deepInclude(yield* launcher.status, { condition: { _tag: "Maintenance" }, task: null })
    }))

  it.effect("ends with a restore: what it has not begun stays", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ removalsAtOnce: 1 })
      yield* startAll(launcher)
      const gate = node.world.hold("stop")
      const { fiber, told } = yield* collecting(launcher.evacuate)
      yield* gate.reached
      yield* launcher.restore
      yield* gate.open
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told.map(({ failure }) => failure?.code), [
        undefined,
        "superseded",
        "superseded",
        "superseded"
      ])
      assert.lengthOf(yield* launcher.list, 3)
      assert.strictEqual((yield* launcher.status).condition._tag, "Ready")
    }))

  it.effect("does nothing where that can not be put on record", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let isFull = false
      node.wrapStore = (store) => ({
        ...store,
        putNode: (record) => isFull ? Effect.never : store.putNode(record)
      })
      const launcher = yield* node.launcher()
      yield* startAll(launcher)
      isFull = true
      const evacuation = yield* beside(reasonOf(Stream.runDrain(launcher.evacuate)))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(evacuation), "StateFailure")
      assert.lengthOf(yield* launcher.list, 4)
      assert.strictEqual((yield* launcher.start(spec("e5"))).state._tag, "Running")
    }))
})

describe("Launcher.reset", () => {
  it.effect("removes instances, guests without a record, what is left of them, and records that can not be read", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* startAll(first.launcher)
      yield* first.close
      node.disk.records.delete(a)
      let aside: ReadonlyArray<string> = ["/unreadable/1-node.json", "/unreadable/1-a1.json"]
      const gone: Array<string> = []
      node.wrapStore = (store) => ({
        ...store,
        leftovers: Effect.sync(() => gone.includes("e5") ? [] : [id("e5")]),
        removeDirectory: (id) => Effect.sync(() => void gone.push(id)),
        removeUnreadable: (only) =>
          Effect.sync(() => {
            const paths = aside.filter((path) => only === undefined || path.includes(only))
            aside = aside.filter((path) => !paths.includes(path))
            return paths
          })
      })
      const launcher = yield* node.launcher()
      const removals = yield* Stream.runCollect(launcher.reset)
      assert.sameDeepMembers(removed(removals.filter(({ what }) => what === "instance")).map(([, name]) => name), [
        "b2",
        "c3",
        "d4"
      ])
      assert.deepStrictEqual(removed(removals.filter(({ what }) => what !== "instance")), [
        ["orphan", "a1", 1, 2],
        ["orphan", "e5", 2, 2],
        ["record", "/unreadable/1-node.json", 1, 1]
      ])
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.deepStrictEqual(yield* launcher.orphans, [])
      assert.isTrue(texts.every((text) => node.world.isClean(id(text))))
      assert.includeMembers(gone, ["a1", "e5"])
      assert.strictEqual((yield* launcher.start(spec("a1"))).state._tag, "Running")
    }))

  it.effect("does not ask guests to end, and nothing is started meanwhile, nor the node restored", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.world.polite = false
      const launcher = yield* node.launcher()
      yield* startAll(launcher)
      const gate = node.world.hold("deleteImage")
      const { fiber } = yield* collecting(launcher.reset)
      yield* gate.reached
      assert.strictEqual((yield* Effect.flip(launcher.start(spec("e5")))).code, "node_maintenance")
      assert.strictEqual((yield* Effect.flip(launcher.restore)).code, "node_maintenance")
      assert.strictEqual((yield* launcher.status).task, "reset")
      yield* gate.open
      // They would need ten seconds if they were asked.
      yield* settle
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* launcher.start(spec("e5"))).state._tag, "Running")
    }))

  it.effect("takes over from an evacuation, whose stops need not end", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* startAll(launcher)
      const gate = node.world.hold("stop")
      const evacuation = yield* collecting(launcher.evacuate)
      yield* gate.reached
      const removals = yield* Stream.runCollect(launcher.reset)
      assert.lengthOf(removals, 4)
      yield* Fiber.join(evacuation.fiber)
      assert.sameDeepMembers(evacuation.told.map(({ name }) => name), texts)
      assert.deepStrictEqual(yield* launcher.list, [])
      assert.deepInclude(yield* launcher.status, { condition: { _tag: "Maintenance" }, task: null })
      assert.deepStrictEqual(node.world.violations, [])
    }))
})
