/**
 * The same commands have the same outcomes on the simulation and on QEMU: played on both, and compared.
 */
import type { NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit, Ref, Stream } from "effect"
import { Dice } from "../../../src/internal/Dice.ts"
import * as Simulator from "../../../src/testing/Simulator.ts"
import { type Act, format, sequence } from "./Act.ts"
import { type Outcome, play } from "./Play.ts"
import * as QemuWorld from "./QemuWorld.ts"
import * as SimulatedWorld from "./SimulatedWorld.ts"

/** A sequence whose outcomes are not the same. */
export interface Difference {
  /** Plays it again: `difference(seed, length)`. */
  readonly seed: string
  /** The fewest of its acts that show it. */
  readonly acts: ReadonlyArray<string>
  /** What came of the last of them. */
  readonly simulation: string
  readonly qemu: string
}

/** Some of the sequences have guests that do not look at their power button. */
const isDeaf = (seed: string): boolean => new Dice(seed).for("guests").chance(0.3)

/** What comes of acts on the simulation, which takes no time. */
const onSimulation = (seed: string, acts: ReadonlyArray<Act>): ReadonlyArray<Outcome> => {
  const program = Effect.scoped(Effect.flatMap(
    SimulatedWorld.make({ seed, deaf: isDeaf(seed) }),
    (world) => Stream.runCollect(play(world, acts))
  ))
  const exit = Simulator.make({ seed }).run(program)
  return Exit.isSuccess(exit)
    ? exit.value
    : [{
      act: acts.map(format).join("; "),
      answers: [`the simulation ended: ${Cause.pretty(exit.cause)}`],
      afterwards: [],
      why: []
    }]
}

/** What is compared. */
const words = (outcome: Outcome | undefined): string =>
  outcome === undefined
    ? "nothing"
    : JSON.stringify({ answers: outcome.answers, afterwards: outcome.afterwards }, undefined, 1)

const told = (outcome: Outcome | undefined): string => [words(outcome), ...outcome?.why ?? []].join("\n")

/** Where outcomes first are not the same on QEMU. It is played until then. */
const compare = (
  seed: string,
  acts: ReadonlyArray<Act>
): Effect.Effect<
  { readonly at: number; readonly difference: Difference } | undefined,
  never,
  NodeServices.NodeServices
> =>
  Effect.gen(function*() {
    const simulated = onSimulation(seed, acts)
    const world = yield* QemuWorld.make({ deaf: isDeaf(seed) })
    let at = -1
    let last: Outcome | undefined
    yield* Stream.runForEachWhile(play(world, acts), (outcome) =>
      Effect.sync(() => {
        at++
        last = outcome
        return words(outcome) === words(simulated[at])
      }))
    if (words(last) === words(simulated[at])) return undefined
    const shown = acts.slice(0, at + 1).map(format)
    return { at, difference: { seed, acts: shown, simulation: told(simulated[at]), qemu: told(last) } }
  }).pipe(Effect.scoped)

/** Cuts off what follows the difference, and leaves out one act after the other that it does not take. */
const shrink = (
  seed: string,
  acts: ReadonlyArray<Act>,
  first: { readonly at: number; readonly difference: Difference }
): Effect.Effect<Difference, never, NodeServices.NodeServices> =>
  Effect.gen(function*() {
    let { difference } = first
    let fewest = acts.slice(0, first.at + 1)
    for (let index = fewest.length - 2; index >= 0; index--) {
      const fewer = fewest.filter((_, place) => place !== index)
      const found = yield* compare(seed, fewer)
      if (found === undefined) continue
      fewest = fewer.slice(0, found.at + 1)
      difference = found.difference
      index = Math.min(index, fewest.length - 1)
    }
    return difference
  })

/** Plays one sequence, the seed's, on both. */
export const difference = (
  seed: string,
  length: number
): Effect.Effect<Difference | undefined, never, NodeServices.NodeServices> =>
  Effect.gen(function*() {
    const acts = sequence(seed, length)
    const found = yield* compare(seed, acts)
    return found === undefined ? undefined : yield* shrink(seed, acts, found)
  })

/**
 * Plays so many sequences of so many acts on both, two at a time, and returns those whose outcomes are not the same, each with the
 * fewest acts that show it. `onPlayed` is told how many have been played.
 */
export const run = ({ length, onPlayed = () => Effect.void, seed, sequences }: {
  readonly seed: string | number
  readonly sequences: number
  readonly length: number
  readonly onPlayed?: (played: number) => Effect.Effect<void>
}): Effect.Effect<ReadonlyArray<Difference>, never, NodeServices.NodeServices> =>
  Effect.gen(function*() {
    const played = yield* Ref.make(0)
    const found = yield* Effect.forEach(
      Array.from({ length: sequences }, (_, index) => `${seed}-${index}`),
      (seed) =>
        Effect.tap(
          difference(seed, length),
          () => Effect.flatMap(Ref.updateAndGet(played, (count) => count + 1), onPlayed)
        ),
      { concurrency: 2 }
    )
    return found.flatMap((difference) => difference === undefined ? [] : [difference])
  })

/** A difference for people. */
export const report = ({ acts, qemu, seed, simulation }: Difference): string =>
  [`seed ${seed}:`, ...acts.map((act, index) => `${index + 1}. ${act}`), "simulation:", simulation, "QEMU:", qemu].join(
    "\n"
  )
