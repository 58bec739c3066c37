/** The clock on a heap: what `TestClock` does, it does. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Console, Duration, Effect, Exit, Fiber, type Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Dice } from "../../src/internal/Dice.ts"
import * as VirtualClock from "../../src/testing/VirtualClock.ts"
import * as clockPrograms from "./clockPrograms.ts"

const on = <A, E, R>(clock: Layer.Layer<never> | Layer.Layer<TestClock.TestClock>, program: Effect.Effect<A, E, R>) =>
  Effect.provide(program, clock, { local: true })

/** Runs a program on both clocks. Neither is in a hurry, however busy the machine is. */
const onBoth = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.all([
    on(TestClock.layer({ warningDelay: "1 hour" }), program),
    on(VirtualClock.layer({ warningDelay: "1 hour" }), program)
  ])

/** A clock that can not be told from the real one, and is moved by moving the given one. */
const inDisguise = (clock: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
  currentTimeNanos: clock.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => clock.sleep(duration)
})

/** Runs a program on a virtual clock, where the test's clock is what is real. Answers what is logged, too. */
const inVirtualTime = Effect.fnUntraced(function*<A, E, R>(program: Effect.Effect<A, E, R>) {
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => {
    logged.push(String(message))
  })
  const real = yield* Clock.clockWith((clock) => Effect.succeed(inDisguise(clock)))
  const fiber = yield* on(VirtualClock.layer({ warningDelay: "10 seconds" }), program).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(Clock.Clock, real),
    Effect.forkChild({ startImmediately: true })
  )
  return { fiber, logged }
})

const sleepers = Clock.clockWith((clock) => Effect.sync(() => "sleepers" in clock ? clock.sleepers : undefined))

describe("the virtual clock", () => {
  it.effect("lets random programs do the same at the same times and in the same order as TestClock", () =>
    Effect.gen(function*() {
      let told = 0
      for (let seed = 0; seed < 300; seed++) {
        const [expected, actual] = yield* onBoth(clockPrograms.run(clockPrograms.random(new Dice(seed))))
        assert.deepStrictEqual(actual, expected, `seed ${seed}`)
        told += expected.length
      }
      assert.isAbove(told, 10_000)
    }))

  it.effect("goes to the end of time, and stays there, as TestClock does", () =>
    Effect.gen(function*() {
      const [expected, actual] = yield* onBoth(Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.sleep(Duration.infinity))
        yield* VirtualClock.adjust("365 days")
        const before = fiber.pollUnsafe()
        yield* VirtualClock.adjust(Duration.infinity)
        yield* Effect.sleep("1 hour")
        return [
          before,
          fiber.pollUnsafe(),
          yield* Clock.currentTimeMillis,
          yield* Clock.currentTimeNanos,
          yield* Clock.monotonicTimeNanos
        ]
      }))
      assert.deepStrictEqual(actual, expected)
      assert.deepStrictEqual(actual.slice(0, 3), [undefined, Exit.void, Infinity])
    }))

  it.effect("counts nanoseconds as TestClock does", () =>
    Effect.gen(function*() {
      const [expected, actual] = yield* onBoth(Effect.gen(function*() {
        yield* VirtualClock.setTime(1_700_000_000_000)
        for (let index = 0; index < 1_000; index++) yield* VirtualClock.adjust(Duration.nanos(7n))
        yield* VirtualClock.adjust(Duration.nanos(-3n))
        return [yield* Clock.currentTimeNanos, yield* Clock.monotonicTimeNanos]
      }))
      assert.deepStrictEqual(actual, expected)
      assert.strictEqual(actual[0], 1_700_000_000_000_006_997n)
    }))

  it.effect("wakes a hundred thousand in the order of time, and at one time in the order in which they came", () =>
    on(
      VirtualClock.layer(),
      Effect.gen(function*() {
        const count = 100_000
        const dice = new Dice(1)
        const times = Array.from({ length: count }, () => dice.between(1, count / 4))
        const woken: Array<number> = []
        for (const [index, time] of times.entries()) {
          yield* Effect.forkChild(Effect.andThen(
            Effect.sleep(time),
            Effect.map(Clock.currentTimeMillis, (now) => woken.push(now === time ? index : -1))
          ))
        }
        yield* VirtualClock.adjust(count)
        const expected = Array.from(times.keys()).sort((a, b) => times[a] - times[b] || a - b)
        assert.isTrue(woken.length === count && woken.every((index, position) => index === expected[position]))
        assert.strictEqual(yield* sleepers, 0)
      })
    ), 60_000)

  it.effect("forgets who is interrupted", () =>
    on(
      VirtualClock.layer(),
      Effect.gen(function*() {
        for (let index = 0; index < 1_000; index++) {
          const fiber = yield* Effect.forkChild(Effect.sleep(1_000 - index), { startImmediately: true })
          assert.strictEqual(yield* sleepers, 1)
          yield* Fiber.interrupt(fiber)
          assert.strictEqual(yield* sleepers, 0)
        }
      })
    ))

  it.effect("takes the place of TestClock, which it can move as well", () =>
    Effect.gen(function*() {
      const moves = Effect.gen(function*() {
        const times: Array<number> = []
        for (
          const move of [
            VirtualClock.adjust("1 second"),
            TestClock.adjust("1 second"),
            VirtualClock.setTime(10),
            TestClock.setTime(5)
          ]
        ) {
          yield* move
          times.push(yield* Clock.currentTimeMillis)
        }
        const real = yield* VirtualClock.withLive(Clock.currentTimeMillis)
        assert.isAbove(real, 1e12)
        assert.isAtLeast(yield* TestClock.withLive(Clock.currentTimeMillis), real)
        return times
      })
      assert.deepStrictEqual(yield* onBoth(moves), [[1_000, 2_000, 10, 5], [1_000, 2_000, 10, 5]])
      // Behind a virtual clock behind a virtual clock there is the real one.
      yield* on(VirtualClock.layer(), on(VirtualClock.layer(), moves))
    }))

  it.effect("works without its layer where what it wakes goes through no other hands", () =>
    Effect.gen(function*() {
      const clock = yield* VirtualClock.make()
      const fiber = yield* Effect.sleep("1 hour").pipe(
        Effect.provideService(Clock.Clock, clock),
        Effect.forkChild({ startImmediately: true })
      )
      yield* clock.adjust("59 minutes")
      assert.deepStrictEqual([fiber.pollUnsafe(), clock.sleepers], [undefined, 1])
      yield* clock.setTime(3_600_000)
      assert.deepStrictEqual([fiber.pollUnsafe(), clock.sleepers], [Exit.void, 0])
    }))

  it.live("says what to do where the clock moves by itself", () =>
    Effect.gen(function*() {
      for (const move of [VirtualClock.adjust(1), VirtualClock.setTime(1), VirtualClock.withLive(Effect.void)]) {
        const exit = yield* Effect.exit(move)
        assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /provide VirtualClock\.layer\(\)/)
      }
    }))
})

describe("the virtual clock's warnings", () => {
  it.effect("tell of a sleeper for whom nobody moves the clock, once", () =>
    Effect.gen(function*() {
      const { logged } = yield* inVirtualTime(Effect.all([Effect.sleep(1), Effect.sleep(1)], { concurrency: 2 }))
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(logged, [])
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(logged, 1)
      assert.match(logged[0], /clock that nobody moves.*VirtualClock\.adjust/)
    }))

  it.effect("are not written where a test console hides them", () =>
    Effect.gen(function*() {
      const isHidden: Array<boolean> = []
      const logger = Logger.make(({ fiber }) => {
        isHidden.push("logLines" in fiber.getRef(Console.Console))
      })
      const real = yield* Clock.clockWith((clock) => Effect.succeed(inDisguise(clock)))
      yield* on(VirtualClock.layer({ warningDelay: "10 seconds" }), Effect.sleep(1)).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(Clock.Clock, real),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(isHidden, [false])
    }))

  it.effect("do not tell of a sleeper that is there no more", () =>
    Effect.gen(function*() {
      const { logged } = yield* inVirtualTime(Effect.gen(function*() {
        yield* Fiber.interrupt(yield* Effect.forkChild(Effect.sleep(1), { startImmediately: true }))
        yield* VirtualClock.withLive(Effect.sleep("1 minute"))
        return yield* Effect.sleep(1)
      }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(logged, [])
      // That one watches again.
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(logged, 1)
    }))

  it.effect("do not tell of a clock that was moved", () =>
    Effect.gen(function*() {
      const { logged } = yield* inVirtualTime(Effect.gen(function*() {
        yield* Effect.forkChild(Effect.sleep(10), { startImmediately: true })
        yield* VirtualClock.adjust(1)
        return yield* Effect.sleep(10)
      }))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(logged, [])
    }))

  it.effect("tell of one who was woken and does not come to rest, and it is not waited for any longer", () =>
    Effect.gen(function*() {
      const { fiber, logged } = yield* inVirtualTime(Effect.gen(function*() {
        const spin = Effect.forever(Effect.yieldNow)
        const second = yield* Effect.forkChild(Effect.andThen(Effect.sleep(2), spin))
        // Comes to rest when nobody waits for it any more, but for the second.
        const rest = Effect.andThen(VirtualClock.withLive(Effect.sleep("25 seconds")), Effect.void)
        const first = yield* Effect.forkChild(Effect.andThen(Effect.sleep(1), Effect.raceFirst(spin, rest)))
        yield* VirtualClock.adjust(10)
        yield* Fiber.interrupt(second)
        return [first.pollUnsafe(), yield* Clock.currentTimeMillis]
      }))
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(logged, [])
      assert.isUndefined(fiber.pollUnsafe())
      for (let seconds = 0; seconds < 60; seconds += 10) yield* TestClock.adjust("10 seconds")
      assert.lengthOf(logged, 2)
      assert.match(logged[0], /does not come to rest/)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [Exit.void, 10])
    }))
})
