import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Schema, type Scope } from "effect"
import * as DockerMonitor from "../../../src/backend/docker/DockerMonitor.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import * as VirtualClock from "../../../src/testing/VirtualClock.ts"
import * as LateEngine from "./LateEngine.ts"

const millisUpTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** What a guest is made, and how long after that it is left so. */
const Acts = Schema.Array(Schema.Struct({ paused: Schema.Boolean, thenMillis: millisUpTo(400) }))

const Lateness = Schema.Struct({
  notices: Schema.NonEmptyArray(millisUpTo(150)),
  answers: Schema.NonEmptyArray(millisUpTo(40)),
  events: Schema.NonEmptyArray(millisUpTo(3_000))
})

/** Nothing is late but what the engine hears itself. */
const onlyNotices = (...notices: LateEngine.Lateness["notices"]): LateEngine.Lateness => ({
  notices,
  answers: [0],
  events: [0]
})

/** A monitor of a container of an engine that is late, and what it tells. */
const watched = Effect.fnUntraced(function*(lateness: LateEngine.Lateness) {
  const engine = yield* LateEngine.make(lateness)
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

const layer = Layer.mergeAll(NodeServices.layer, VirtualClock.layer())

/** Runs it while two minutes pass. */
const moving = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function*() {
    const running = yield* Effect.forkScoped(effect)
    yield* VirtualClock.adjust("2 minutes")
    return yield* Fiber.join(running)
  }).pipe(Effect.scoped, Effect.provide(layer, { local: true }))

/** By then all has come that is late, and has been looked at. */
const settled = Effect.sleep("10 seconds")

describe("pausing a container", () => {
  it.effect.prop(
    "does what is asked, and is told once each, however late the engine hears of it itself",
    [Acts, Lateness],
    ([acts, lateness]) =>
      Effect.gen(function*() {
        const { engine, monitor, told } = yield* watched(lateness)
        const expected: Array<boolean> = []
        for (const { paused, thenMillis } of acts) {
          yield* paused ? monitor.pause : monitor.resume
          if ((expected.at(-1) ?? false) !== paused) expected.push(paused)
          assert.strictEqual(engine.isPaused(), paused)
          assert.strictEqual((yield* monitor.status).paused, paused)
          yield* Effect.sleep(thenMillis)
          assert.strictEqual((yield* monitor.status).paused, paused)
        }
        yield* settled
        assert.deepStrictEqual(told, expected)
      }).pipe(moving)
  )

  it.effect("leaves one that was resumed its time to end by itself, where the engine takes it for paused", () =>
    Effect.gen(function*() {
      const { engine, monitor } = yield* watched(onlyNotices(1, 100))
      yield* monitor.pause
      yield* monitor.resume
      yield* Effect.sleep(1)
      yield* Effect.forkScoped(monitor.stop(Duration.seconds(5)))
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(engine.signals, ["SIGTERM"])
    }).pipe(moving))

  it.effect("ends one that is paused, where the engine takes it for running", () =>
    Effect.gen(function*() {
      const { engine, monitor } = yield* watched(onlyNotices(0, 100, 150))
      yield* monitor.pause
      yield* Effect.sleep(10)
      yield* monitor.resume
      yield* monitor.pause
      yield* Effect.sleep(110)
      yield* monitor.stop(Duration.zero)
      assert.deepStrictEqual(engine.signals, ["SIGKILL", "SIGKILL"])
    }).pipe(moving))

  it.effect("is told as it is in the end, also when a pause and a resumption are asked for at once", () =>
    Effect.gen(function*() {
      const { engine, monitor, told } = yield* watched({ notices: [0], answers: [30, 0, 0], events: [10, 0] })
      yield* Effect.all([monitor.pause, monitor.resume], { concurrency: 2 })
      yield* Effect.sleep("1 second")
      assert.strictEqual(told.at(-1) ?? false, engine.isPaused())
    }).pipe(moving))

  it.effect.prop(
    "by somebody else is told as it is in the end, once for each time at most, and each time that it lasts",
    [Acts, Lateness, Schema.Boolean],
    ([acts, lateness, lasting]) =>
      Effect.gen(function*() {
        const { engine, told } = yield* watched(lateness)
        const expected: Array<boolean> = []
        for (const { paused, thenMillis } of acts) {
          const did = yield* Effect.exit(engine.make(paused))
          if (Exit.isSuccess(did)) expected.push(paused)
          yield* Effect.sleep(lasting ? 5_000 + thenMillis : thenMillis)
        }
        yield* settled
        if (lasting) assert.deepStrictEqual(told, expected)
        else {
          assert.strictEqual(told.at(-1) ?? false, engine.isPaused())
          assert.isAtMost(told.length, expected.length)
        }
      }).pipe(moving)
  )
})
