/**
 * The same commands have the same outcomes on the simulation and on a real virtualizer: played on both, and compared.
 */
import type { NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit, Ref, type Scope, Stream } from "effect"
import { Dice } from "../../../src/internal/Dice.ts"
import * as Simulator from "../../../src/testing/Simulator.ts"
import type { DockerEngine } from "../../host/docker/DockerEngine.ts"
import { type Act, format, type Interference, sequence } from "./Act.ts"
import * as DockerWorld from "./DockerWorld.ts"
import { type Outcome, play } from "./Play.ts"
import * as QemuWorld from "./QemuWorld.ts"
import * as SimulatedWorld from "./SimulatedWorld.ts"
import type { World } from "./World.ts"

/** A sequence whose outcomes are not the same. */
export interface Difference {
  /** Plays it again: `difference(seed, length, real)`. */
  readonly seed: string
  /** The fewest of its acts that show it. */
  readonly acts: ReadonlyArray<string>
  /** What came of the last of them. */
  readonly simulation: string
  readonly real: string
}

/** A virtualizer that is compared with the simulation. */
export interface Real {
  readonly name: string
  readonly make: (options: { readonly deaf: boolean }) => Effect.Effect<World, never, Services>
  /** Whether an act of a sequence means anything there, or is left out. */
  readonly can: (act: Act, seed: string) => boolean
  /** What is told on either, in words that are the same for the same thing. */
  readonly words: (text: string) => string
}

type Services = NodeServices.NodeServices | Scope.Scope

/** Virtual machines of this host. */
export const qemu: Real = { name: "QEMU", make: QemuWorld.make, can: () => true, words: (text) => text }

const has = (act: Act | Interference, tags: ReadonlyArray<(Act | Interference)["_tag"]>): boolean =>
  tags.includes(act._tag) || (act._tag === "pair" && (has(act.first, tags) || has(act.second, tags)))

/**
 * Containers of an engine. They neither panic nor reboot, and their image is there for all of them at once. One that is paused lets go of its volumes, and a machine does not: so a
 * sequence has the one or the other.
 */
export const docker = (engine: DockerEngine): Real => ({
  name: "Docker",
  make: (options) => DockerWorld.make(engine, options),
  can: (act, seed) =>
    !has(act, ["panic", "reboot"]) &&
    !(act._tag === "pair" && act.point === "image") &&
    !has(act, new Dice(seed).for("technology").chance(0.5) ? ["pause", "resume"] : ["attach", "detach"]),
  // A program that ends with 0 is a machine that powers itself off. There is nothing between asking and force, and force is seen.
  words: (text) =>
    text.replaceAll("Exited(Exited)", "Exited(PoweredOff)")
      .replace(/(Stopped|Exited) Exited 0/g, "$1 PoweredOff")
      .replaceAll("Exited(Killed)", "Exited(Unknown)")
      .replaceAll("Exited Killed SIGKILL", "Exited Unknown")
      .replaceAll("Stopped Quit", "Stopped Killed SIGKILL")
})

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

/** Where outcomes first are not the same. It is played until then. */
const compare = (
  seed: string,
  acts: ReadonlyArray<Act>,
  real: Real
): Effect.Effect<
  { readonly at: number; readonly difference: Difference } | undefined,
  never,
  NodeServices.NodeServices
> =>
  Effect.gen(function*() {
    const simulated = onSimulation(seed, acts)
    const world = yield* real.make({ deaf: isDeaf(seed) })
    let at = -1
    let last: Outcome | undefined
    yield* Stream.runForEachWhile(play(world, acts), (outcome) =>
      Effect.sync(() => {
        at++
        last = outcome
        return real.words(words(outcome)) === real.words(words(simulated[at]))
      }))
    if (real.words(words(last)) === real.words(words(simulated[at]))) return undefined
    const shown = acts.slice(0, at + 1).map(format)
    return {
      at,
      difference: { seed, acts: shown, simulation: real.words(told(simulated[at])), real: real.words(told(last)) }
    }
  }).pipe(Effect.scoped)

/** Cuts off what follows the difference, and leaves out one act after the other that it does not take. */
const shrink = (
  seed: string,
  acts: ReadonlyArray<Act>,
  first: { readonly at: number; readonly difference: Difference },
  real: Real
): Effect.Effect<Difference, never, NodeServices.NodeServices> =>
  Effect.gen(function*() {
    let { difference } = first
    let fewest = acts.slice(0, first.at + 1)
    for (let index = fewest.length - 2; index >= 0; index--) {
      const fewer = fewest.filter((_, place) => place !== index)
      const found = yield* compare(seed, fewer, real)
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
  length: number,
  real: Real
): Effect.Effect<Difference | undefined, never, NodeServices.NodeServices> =>
  Effect.gen(function*() {
    const acts = sequence(seed, length).filter((act) => real.can(act, seed))
    const found = yield* compare(seed, acts, real)
    return found === undefined ? undefined : yield* shrink(seed, acts, found, real)
  })

/**
 * Plays so many sequences of so many acts on both, two at a time, and returns those whose outcomes are not the same, each with the
 * fewest acts that show it. `onPlayed` is told how many have been played.
 */
export const run = ({ length, onPlayed = () => Effect.void, real, seed, sequences }: {
  readonly real: Real
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
          difference(seed, length, real),
          () => Effect.flatMap(Ref.updateAndGet(played, (count) => count + 1), onPlayed)
        ),
      { concurrency: 2 }
    )
    return found.flatMap((difference) => difference === undefined ? [] : [difference])
  })

/** A difference for people. */
export const report = (name: string, { acts, real, seed, simulation }: Difference): string =>
  [`seed ${seed}:`, ...acts.map((act, index) => `${index + 1}. ${act}`), "simulation:", simulation, `${name}:`, real]
    .join("\n")
