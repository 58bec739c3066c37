/**
 * Runs simulations, in threads of their own, several seeds over several of them: the result is the same as one after the other.
 */
import { Effect } from "effect"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as Simulation from "../../src/testing/Simulation.ts"
import * as Outcome from "./Outcome.ts"

/** More threads than this would each spend their time on warming up. */
const threadsMax = 2

/** One run, here. */
export const runSeed = (
  choices: Outcome.Choices,
  seed: number,
  onLine?: (line: string) => void
): Outcome.Outcome => {
  // Errors are many there, and where in which file they were made takes long, and differs between machines.
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return Outcome.of(Simulation.run({
      seed,
      commands: choices.commands,
      instances: choices.instances,
      faults: Outcome.presets[choices.faults],
      yieldBudget: choices.yieldBudget,
      crashMeanSteps: choices.crashMeanSteps,
      ...(onLine === undefined ? {} : { onLine })
    }))
  } finally {
    Error.stackTraceLimit = before
  }
}

/** What one thread does. */
export interface Work {
  readonly choices: Outcome.Choices
  readonly seeds: ReadonlyArray<number>
  readonly isTraced: boolean
}

/** What came of it. */
export interface Done {
  readonly outcomes: ReadonlyArray<Outcome.Outcome>
  /** All that happened, in lines; none where it was not traced. */
  readonly trace: ReadonlyArray<string>
}

/** A run lets nothing else happen in its thread. In one of its own it can be interrupted, and so ends with a Ctrl-C. */
const inThread = (workerData: Work) =>
  Effect.callback<Done>((resume) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData })
    worker.once("message", (done: Done) => resume(Effect.succeed(done)))
    worker.once("error", (error) => resume(Effect.die(error)))
    return Effect.promise(() => worker.terminate())
  })

/** The seeds of one thread: every so many. */
const share = ({ seed, seeds }: Outcome.Choices, thread: number, threads: number): ReadonlyArray<number> =>
  Array.from({ length: seeds }, (_, index) => seed + index).filter((_, index) => index % threads === thread)

/** All runs that are asked for. */
export const run = (choices: Outcome.Choices): Effect.Effect<Outcome.Outcome> => {
  const threads = Math.min(threadsMax, availableParallelism(), choices.seeds)
  return Effect.forEach(
    Array.from({ length: threads }, (_, thread) => thread),
    (thread) => inThread({ choices, seeds: share(choices, thread, threads), isTraced: false }),
    { concurrency: "unbounded" }
  ).pipe(
    Effect.map((shares) =>
      Outcome.sum(
        Array.from(
          { length: choices.seeds },
          (_, index) => shares[index % threads]?.outcomes[Math.floor(index / threads)]
        ).filter((outcome) => outcome !== undefined)
      )
    )
  )
}

/** The run of the first seed, with all that happened in it. */
export const runTraced = (
  choices: Outcome.Choices
): Effect.Effect<{ readonly outcome: Outcome.Outcome; readonly trace: ReadonlyArray<string> }> =>
  Effect.map(
    inThread({ choices, seeds: [choices.seed], isTraced: true }),
    ({ outcomes, trace }) => ({ outcome: Outcome.sum(outcomes), trace })
  )
