import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as DockerMonitor from "../../../src/backend/docker/DockerMonitor.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import * as LateEngine from "./LateEngine.ts"

const millisUpTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** What a guest is made, and how long after that it is left so. */
const Acts = Schema.Array(Schema.Struct({ paused: Schema.Boolean, thenMillis: millisUpTo(400) }))

const Delays = Schema.NonEmptyArray(millisUpTo(LateEngine.lateMillisMax))

/** A monitor of a container of an engine that is late, and what it tells. */
const watched = Effect.fnUntraced(function*(delaysMillis: ReadonlyArray<number>) {
  const engine = yield* LateEngine.make(delaysMillis)
  const monitor = yield* DockerMonitor.make(engine.host, InstanceId.make("e0"), undefined)
  const told: Array<boolean> = []
  yield* monitor.follow({
    onEvent: ({ _tag }) => {
      told.push(_tag === "Paused")
    },
    onEnded: () => undefined
  })
  yield* monitor.connected
  return { engine, monitor, told }
})

describe("pausing a container", () => {
  it.effect.prop(
    "does what is asked, and is told once each, however late the engine hears of it itself",
    [Acts, Delays],
    ([acts, delaysMillis]) =>
      Effect.gen(function*() {
        const { engine, monitor, told } = yield* watched(delaysMillis)
        const expected: Array<boolean> = []
        const acting = yield* Effect.forkChild(Effect.forEach(acts, ({ paused, thenMillis }) =>
          Effect.gen(function*() {
            yield* paused ? monitor.pause : monitor.resume
            if ((expected.at(-1) ?? false) !== paused) expected.push(paused)
            assert.strictEqual(engine.isPaused(), paused)
            assert.strictEqual((yield* monitor.status).paused, paused)
            yield* Effect.sleep(thenMillis)
            assert.strictEqual((yield* monitor.status).paused, paused)
          })))
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(acting)
        assert.deepStrictEqual(told, expected)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("leaves one that was resumed its time to end by itself, where the engine takes it for paused", () =>
    Effect.gen(function*() {
      const { engine, monitor } = yield* watched([1, 100])
      yield* monitor.pause
      yield* monitor.resume
      yield* TestClock.adjust("1 millis")
      yield* Effect.forkScoped(monitor.stop(Duration.seconds(5)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(engine.signals, ["SIGTERM"])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect.prop(
    "by somebody else is told as it is in the end, once for each time at most, and each time that it lasts",
    [Acts, Delays, Schema.Boolean],
    ([acts, delaysMillis, lasting]) =>
      Effect.gen(function*() {
        const { engine, told } = yield* watched(delaysMillis)
        const expected: Array<boolean> = []
        const acting = yield* Effect.forkChild(Effect.forEach(acts, ({ paused, thenMillis }) =>
          Effect.gen(function*() {
            const did = yield* Effect.exit(engine.make(paused))
            if (Exit.isSuccess(did)) expected.push(paused)
            yield* Effect.sleep(lasting ? 1500 + thenMillis : thenMillis)
          })))
        yield* TestClock.adjust("2 minutes")
        yield* Fiber.join(acting)
        if (lasting) assert.deepStrictEqual(told, expected)
        else {
          assert.strictEqual(told.at(-1) ?? false, engine.isPaused())
          assert.isAtMost(told.length, expected.length)
        }
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
