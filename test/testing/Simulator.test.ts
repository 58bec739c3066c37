/** The scheduler that finds every order, and the same one again. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Duration, Effect, Exit, Fiber, Random } from "effect"
import * as Simulator from "../../src/testing/Simulator.ts"

/** Three fibers that each say something three times. The order is up to the scheduler. */
const chorus = Effect.suspend(() => {
  const said: Array<string> = []
  const singer = (name: string) =>
    Effect.forEach([1, 2, 3], (verse) => Effect.sync(() => said.push(`${name}${verse}`)), { discard: true })
  return Effect.as(Effect.forEach(["a", "b", "c"], singer, { concurrency: "unbounded", discard: true }), said)
})

const sung = (seed: number): string => {
  const exit = Simulator.make({ seed }).run(chorus)
  return Exit.isSuccess(exit) ? exit.value.join(" ") : "it failed"
}

/** Runs both, and lets the scheduler say who begins. */
const both = <A>(a: Effect.Effect<A>, b: Effect.Effect<A>) =>
  Effect.flatMap(Effect.all([Effect.forkChild(a), Effect.forkChild(b)]), Fiber.joinAll)

/** Adds one to what it read a moment ago. */
const increment = (cell: { value: number }) =>
  Effect.flatMap(Effect.sync(() => cell.value), (before) =>
    Effect.sync(() => {
      cell.value = before + 1
    }))

const whyNot = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "success"

describe("the simulator", () => {
  it("does the same again for the same seed, and something else for another", () => {
    const orders = Array.from({ length: 50 }, (_, seed) => sung(seed))
    assert.deepStrictEqual(Array.from({ length: 50 }, (_, seed) => sung(seed)), orders)
    assert.isAbove(new Set(orders).size, 25)
  })

  it("finds every order in which two can go on", () => {
    const pair = Effect.suspend(() => {
      const said: Array<string> = []
      const say = (word: string) => Effect.sync(() => said.push(word))
      const speaker = (name: string) => Effect.andThen(say(`${name}1`), say(`${name}2`))
      return Effect.as(both(speaker("a"), speaker("b")), said)
    })
    const found = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const exit = Simulator.make({ seed }).run(pair)
      if (Exit.isSuccess(exit)) found.add(exit.value.join(" "))
    }
    assert.deepStrictEqual([...found].sort(), [
      "a1 a2 b1 b2",
      "a1 b1 a2 b2",
      "a1 b1 b2 a2",
      "b1 a1 a2 b2",
      "b1 a1 b2 a2",
      "b1 b2 a1 a2"
    ])
  })

  it("finds the update that is lost between reading and writing", () => {
    const race = Effect.suspend(() => {
      const cell = { value: 0 }
      return Effect.as(both(increment(cell), increment(cell)), cell)
    })
    const results = new Set<number>()
    for (let seed = 0; seed < 100; seed++) {
      const exit = Simulator.make({ seed }).run(race)
      if (Exit.isSuccess(exit)) results.add(exit.value.value)
    }
    assert.deepStrictEqual([...results].sort((a, b) => a - b), [1, 2])
  })

  it("lets time pass only when nobody can go on, and wakes who sleeps in the order of time", () => {
    const simulator = Simulator.make({ seed: 1 })
    const woken: Array<string> = []
    const sleeper = (millis: number) =>
      Effect.andThen(
        Effect.sleep(millis),
        Effect.map(Clock.currentTimeMillis, (now) => woken.push(`${millis} at ${now}`))
      )
    const exit = simulator.run(
      Effect.forEach([500, 20, 3_600_000, 20], sleeper, { concurrency: "unbounded", discard: true })
    )
    assert.deepStrictEqual(exit, Exit.void)
    assert.deepStrictEqual(woken, ["20 at 20", "20 at 20", "500 at 500", "3600000 at 3600000"])
    assert.strictEqual(simulator.nowMillis, 3_600_000)
    assert.deepStrictEqual([simulator.sleepers, simulator.runnable, simulator.fibers], [0, 0, 0])
  })

  it("gives random numbers by the seed", () => {
    const draw = (seed: number) => Simulator.make({ seed }).run(Random.next)
    assert.deepStrictEqual(draw(7), draw(7))
    assert.notDeepEqual(draw(7), draw(8))
  })

  it("tells between any two steps, where something else can happen", () => {
    const simulator = Simulator.make({ seed: 3 })
    const interrupted = new Set<number>()
    for (let crash = 1; crash <= 20; crash++) {
      const cell = { value: 0 }
      const steps = simulator.steps
      const gate = Deferred.makeUnsafe<void>()
      simulator.onStep((step) => {
        if (step === steps + crash) Deferred.doneUnsafe(gate, Exit.void)
      })
      const counting = Effect.forever(Effect.sync(() => {
        cell.value++
      }))
      assert.deepStrictEqual(simulator.run(Effect.raceFirst(counting, Deferred.await(gate))), Exit.void)
      interrupted.add(cell.value)
    }
    simulator.onStep(undefined)
    assert.isAbove(interrupted.size, 5)
  })

  it("tells a deadlock", () => {
    const exit = Simulator.make({ seed: 1 }).run(Effect.andThen(Effect.sleep(50), Effect.never))
    assert.match(whyNot(exit), /deadlock at 50 ms/)
  })

  it("waits for no sleep without an end", () => {
    const simulator = Simulator.make({ seed: 1 })
    const exit = simulator.run(Effect.andThen(Effect.sleep(50), Effect.sleep(Duration.infinity)))
    assert.match(whyNot(exit), /deadlock at 50 ms/)
  })

  it("tells a livelock", () => {
    const simulator = Simulator.make({ seed: 1, stepsAtOnceMax: 10_000 })
    const exit = simulator.run(Effect.andThen(Effect.sleep(50), Effect.forever(Effect.yieldNow)))
    assert.match(whyNot(exit), /livelock at 50 ms, after 1\d{4} steps/)
  })

  it("counts what a program leaves behind", () => {
    const simulator = Simulator.make({ seed: 1 })
    simulator.run(Effect.forkDetach(Effect.sleep(1_000), { startImmediately: true }))
    assert.deepStrictEqual([simulator.fibers, simulator.sleepers, simulator.runnable], [1, 1, 0])
    simulator.run(Effect.sleep(2_000))
    assert.deepStrictEqual([simulator.fibers, simulator.sleepers, simulator.runnable], [0, 0, 0])
  })

  it("counts one part of a program", () => {
    const simulator = Simulator.make({ seed: 1 })
    const census = simulator.census()
    const exit = simulator.run(Effect.gen(function*() {
      yield* Effect.forkChild(Effect.sleep(1_000))
      const part = Effect.forkChild(Effect.all([Effect.sleep(1_000), Effect.sleep(1)], { concurrency: "unbounded" }))
      const fiber = yield* Effect.provideContext(part, census.context)
      yield* Effect.sleep(1)
      const during = [census.fibers, census.sleepers, simulator.fibers, simulator.sleepers]
      yield* Fiber.interrupt(fiber)
      return [...during, census.fibers, census.sleepers, simulator.fibers, simulator.sleepers]
    }))
    assert.deepStrictEqual(exit, Exit.succeed([2, 1, 4, 2, 0, 0, 2, 1]))
  })

  it("a sleep that is interrupted leaves no timer", () => {
    const simulator = Simulator.make({ seed: 1 })
    const exit = simulator.run(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.sleep(1_000), { startImmediately: true })
      const during = simulator.sleepers
      yield* Fiber.interrupt(fiber)
      return [during, simulator.sleepers]
    }))
    assert.deepStrictEqual(exit, Exit.succeed([1, 0]))
  })
})
