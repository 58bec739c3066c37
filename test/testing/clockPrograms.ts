/**
 * Random programs that use time in every way: sleeps, also of no time and without an end, forks, interruptions, time-outs,
 * races, hand-overs between fibers, and clocks that are moved on, back and to a time, also by who was woken by that.
 */
import { Clock, Deferred, Duration, Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"
import type { Dice } from "../../src/internal/Dice.ts"

type Act =
  | { readonly _tag: "Say" | "Yield" }
  | { readonly _tag: "Sleep"; readonly millis: number }
  | { readonly _tag: "Repeat"; readonly millis: number; readonly times: number }
  | { readonly _tag: "Fork"; readonly acts: Program; readonly now: boolean }
  | { readonly _tag: "Timeout"; readonly millis: number; readonly acts: Program }
  | { readonly _tag: "Race"; readonly one: Program; readonly other: Program }
  | { readonly _tag: "Interrupt" | "Await" | "Open" | "WaitFor"; readonly which: number }
  | { readonly _tag: "Adjust" | "SetTime"; readonly millis: number }

export type Program = ReadonlyArray<Act>

const gates = 4

/** A duration, often one that others have too. */
const millis = (dice: Dice): number => dice.chance(0.03) ? Infinity : dice.one(0, 0.5, 1, 2, 2, 3, 5, 5, 8, 13, 40)

const act = (dice: Dice, depth: number): Act => {
  const acts = () => program(dice, depth - 1)
  const which = dice.below(gates)
  if (depth > 0 && dice.chance(0.4)) {
    return dice.one<() => Act>(
      () => ({ _tag: "Fork", acts: acts(), now: dice.chance(0.5) }),
      () => ({ _tag: "Fork", acts: acts(), now: dice.chance(0.5) }),
      () => ({ _tag: "Timeout", millis: millis(dice), acts: acts() }),
      () => ({ _tag: "Race", one: acts(), other: acts() })
    )()
  }
  return dice.one<() => Act>(
    () => ({ _tag: "Say" }),
    () => ({ _tag: "Yield" }),
    () => ({ _tag: "Sleep", millis: millis(dice) }),
    () => ({ _tag: "Sleep", millis: millis(dice) }),
    () => ({ _tag: "Sleep", millis: millis(dice) }),
    () => ({ _tag: "Repeat", millis: dice.between(1, 4), times: dice.between(1, 4) }),
    () => ({ _tag: dice.one("Interrupt", "Await"), which: dice.below(20) }),
    () => ({ _tag: dice.one("Open", "WaitFor"), which }),
    () => ({ _tag: "Adjust", millis: dice.one(-3, 0, 0.25, 1, 5, 20) })
  )()
}

const program = (dice: Dice, depth: number): Program =>
  Array.from({ length: dice.between(1, 4) }, () => act(dice, depth))

/** A program whose first fiber forks others and moves the clock in between. */
export const random = (dice: Dice): Program =>
  Array.from({ length: dice.between(5, 12) }, (): ReadonlyArray<Act> => [
    { _tag: "Fork", acts: program(dice, 3), now: dice.chance(0.5) },
    dice.chance(0.7)
      ? { _tag: "Adjust", millis: dice.one(0, 0.5, 1, 2, 5, 10, 50) }
      : dice.one<Act>({ _tag: "SetTime", millis: dice.between(0, 60) }, { _tag: "Interrupt", which: dice.below(20) })
  ]).flat()

/** Runs a program on the clock at hand, and tells what happened when, in the order in which it did. */
export const run = Effect.fnUntraced(function*(acts: Program) {
  const trace: Array<string> = []
  const fibers: Array<Fiber.Fiber<void>> = []
  const opened = Array.from({ length: gates }, () => Deferred.makeUnsafe<void>())
  const say = (who: string, what: string) =>
    Effect.map(
      Clock.clockWith((clock) =>
        Effect.sync(() =>
          `${clock.currentTimeMillisUnsafe()} ${clock.currentTimeNanosUnsafe()} ${clock.monotonicTimeNanosUnsafe()}`
        )
      ),
      (now) => {
        trace.push(`${now} ${who} ${what}`)
      }
    )
  const performed = (who: string, acts: Program): Effect.Effect<void> =>
    Effect.forEach(acts, (act, index) => perform(`${who}.${index}`, act), { discard: true }).pipe(
      Effect.onExit((exit) => say(who, exit._tag))
    )
  const perform = (who: string, act: Act): Effect.Effect<void> => {
    switch (act._tag) {
      case "Say":
        return say(who, "is here")
      case "Yield":
        return Effect.yieldNow
      case "Sleep":
        return Effect.andThen(Effect.sleep(act.millis), say(who, `slept ${act.millis}`))
      case "Repeat":
        return Effect.asVoid(Effect.repeat(say(who, "repeats"), {
          schedule: Schedule.spaced(act.millis),
          times: act.times
        }))
      case "Fork":
        return Effect.map(
          Effect.forkDetach(performed(who, act.acts), { startImmediately: act.now }),
          (fiber) => {
            fibers.push(fiber)
          }
        )
      case "Timeout":
        return Effect.flatMap(
          Effect.timeoutOption(performed(who, act.acts), act.millis),
          ({ _tag }) => say(who, _tag)
        )
      case "Race":
        return Effect.raceFirst(performed(`${who}a`, act.one), performed(`${who}b`, act.other))
      case "Interrupt":
      case "Await": {
        const fiber = fibers.at(act.which % Math.max(1, fibers.length))
        if (fiber === undefined) return Effect.void
        const done = act._tag === "Interrupt" ? Effect.sync(() => fiber.interruptUnsafe()) : Fiber.await(fiber)
        return Effect.andThen(done, say(who, `${act._tag} ${act.which}`))
      }
      case "Open":
        return Effect.asVoid(Deferred.succeed(opened[act.which], undefined))
      case "WaitFor":
        return Effect.andThen(Deferred.await(opened[act.which]), say(who, `passed ${act.which}`))
      case "Adjust":
        return Effect.andThen(TestClock.adjust(act.millis), say(who, `moved by ${act.millis}`))
      case "SetTime":
        return Effect.andThen(TestClock.setTime(act.millis), say(who, `moved to ${act.millis}`))
    }
  }
  yield* performed("", acts)
  // All who still can go on do so, and what never ends is ended.
  yield* TestClock.adjust(Duration.seconds(1))
  yield* Effect.forEach(fibers, Fiber.interrupt, { discard: true })
  // What was forked as late as that may still go on, and is not looked at.
  return [...trace]
})
