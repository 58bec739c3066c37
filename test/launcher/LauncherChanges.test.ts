import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Queue, Schema, Stream } from "effect"
import * as InstanceEvent from "../../src/domain/InstanceEvent.ts"
import { Position, PositionFromString } from "../../src/domain/InstanceEvent.ts"
import type { InstanceInfo } from "../../src/domain/InstanceInfo.ts"
import type { LauncherChange } from "../../src/launcher/Launcher.ts"
import { beside, id, settle, spec, TestNode } from "./TestNode.ts"

const a = id("a1")

/** What a follower knows who applies events to a snapshot. */
const replay = (entries: ReadonlyArray<LauncherChange>): ReadonlyArray<InstanceInfo> => {
  let known: InstanceEvent.View = new Map()
  let last = 0
  for (const entry of entries) {
    if (entry._tag === "Snapshot") {
      known = new Map(entry.instances.map((instance) => [instance.spec.id, instance]))
      last = entry.sequence
    } else if (entry._tag === "Event") {
      assert.strictEqual(entry.event.sequence, ++last)
      known = InstanceEvent.apply(known, entry.event)
    }
  }
  return [...known.values()].toSorted((a, b) => a.spec.id.localeCompare(b.spec.id))
}

describe("Launcher.changes", () => {
  it.effect("a snapshot, then events without gaps, which together give the list at any moment", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.start(spec("b2"))
      const entries: Array<LauncherChange> = []
      yield* beside(Stream.runForEach(launcher.changes, (entry) => Effect.sync(() => entries.push(entry))))
      yield* settle
      assert.strictEqual(entries[0]?._tag, "Snapshot")
      for (
        const command of [
          launcher.pause(a),
          launcher.delete(id("b2")),
          launcher.start(spec("c3")),
          launcher.resume(a),
          Effect.sync(() => node.world.emit(a, { _tag: "Rebooted" })),
          launcher.stop(a)
        ]
      ) {
        yield* command
        yield* settle
        assert.deepStrictEqual(replay(entries), yield* launcher.list)
      }
      assert.isDefined(entries.find((entry) => entry._tag === "Event" && entry.event.change._tag === "Rebooted"))
    }))

  it.effect("a follower who comes while an instance is being accepted misses nothing of it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.wrapStore = (store) => ({ ...store, put: (record) => Effect.andThen(Effect.yieldNow, store.put(record)) })
      const launcher = yield* node.launcher()
      const start = yield* beside(launcher.start(spec("a1")))
      const entries: Array<LauncherChange> = []
      yield* beside(Stream.runForEach(launcher.changes, (entry) => Effect.sync(() => entries.push(entry))))
      yield* Fiber.join(start)
      yield* settle
      assert.deepStrictEqual(replay(entries), yield* launcher.list)
    }))

  it.effect("a slow follower is told that it fell behind, and begins again with a snapshot", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ eventsHeld: 4 })
      const pace = yield* Queue.unbounded<void>()
      const entries: Array<LauncherChange> = []
      yield* beside(Stream.runForEach(launcher.changes, (entry) =>
        Effect.andThen(
          Queue.take(pace),
          Effect.sync(() => entries.push(entry))
        )))
      yield* settle
      for (let i = 0; i < 10; i++) {
        yield* launcher.start(spec("a1"))
        yield* launcher.stop(a)
      }
      for (let i = 0; i < 100; i++) yield* Queue.offer(pace, undefined)
      yield* settle
      const lagged = entries.findIndex(({ _tag }) => _tag === "Lagged")
      assert.isAbove(lagged, 0)
      assert.strictEqual(entries[lagged + 1]?._tag, "Snapshot")
      assert.deepStrictEqual(replay(entries), yield* launcher.list)
    }))

  it.effect("a follower who was away goes on where it was, as long as that is held", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ eventsHeld: 4 })
      const { incarnation } = launcher
      yield* launcher.start(spec("a1"))
      const first = (position: Position) => Stream.runHead(launcher.changesAfter(position))
      const newest = yield* Stream.runHead(launcher.changes)
      assert.isTrue(Option.isSome(newest) && newest.value._tag === "Snapshot")
      const sequence = Option.isSome(newest) && newest.value._tag === "Snapshot" ? newest.value.sequence : 0
      yield* launcher.pause(a)
      const next = yield* first({ incarnation, sequence })
      assert.isTrue(Option.isSome(next) && next.value._tag === "Event" && next.value.event.sequence === sequence + 1)
      yield* launcher.stop(a)
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      const entries = yield* Stream.runCollect(Stream.take(launcher.changesAfter({ incarnation, sequence }), 2))
      assert.deepInclude(entries[0], { _tag: "Lagged" })
      assert.isAbove(entries[0]?._tag === "Lagged" ? entries[0].missed ?? 0 : 0, 4)
      assert.deepStrictEqual(replay(entries.slice(1)), yield* launcher.list)
    }))

  it.effect("a position that this launcher never told gets a snapshot", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.close
      const launcher = yield* node.launcher()
      for (const position of [{ incarnation: 1, sequence: 2 }, { incarnation: 2, sequence: 99 }]) {
        const entries = yield* Stream.runCollect(Stream.take(launcher.changesAfter(position), 2))
        assert.deepStrictEqual(entries[0], { _tag: "Lagged", missed: undefined })
        assert.deepStrictEqual(replay(entries.slice(1)), yield* launcher.list)
      }
    }))

  it.prop("positions are read as they were written", [Position], ([position]) => {
    const text = Schema.encodeSync(PositionFromString)(position)
    assert.deepStrictEqual(Schema.decodeSync(PositionFromString)(text), position)
  })

  it.effect("ends with the launcher", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const { close, launcher } = yield* node.open()
      yield* launcher.start(spec("a1"))
      const follower = yield* beside(Stream.runCollect(launcher.changes))
      yield* settle
      yield* close
      assert.strictEqual((yield* Fiber.join(follower)).length, 1)
    }))
})
