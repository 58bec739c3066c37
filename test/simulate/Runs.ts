/**
 * Runs simulations, several seeds over several threads: the result is the same as one after the other.
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

/** A thread of its own for one share of the seeds, as {@link share} has them. */
const inThread = (choices: Outcome.Choices, thread: number, threads: number) =>
  Effect.callback<ReadonlyArray<Outcome.Outcome>>((resume) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { choices, thread, threads } })
    worker.once("message", (outcomes: ReadonlyArray<Outcome.Outcome>) => resume(Effect.succeed(outcomes)))
    worker.once("error", (error) => resume(Effect.die(error)))
    return Effect.promise(() => worker.terminate())
  })

/** The seeds of one thread: every so many. */
export const share = ({ seed, seeds }: Outcome.Choices, thread: number, threads: number): ReadonlyArray<number> =>
  Array.from({ length: seeds }, (_, index) => seed + index).filter((_, index) => index % threads === thread)

/** All runs that are asked for. */
export const run = (choices: Outcome.Choices): Effect.Effect<Outcome.Outcome> => {
  const threads = Math.min(threadsMax, availableParallelism(), choices.seeds)
  if (threads <= 1) {
    return Effect.sync(() => Outcome.sum(share(choices, 0, 1).map((seed) => runSeed(choices, seed))))
  }
  return Effect.forEach(
    Array.from({ length: threads }, (_, thread) => thread),
    (thread) => inThread(choices, thread, threads),
    { concurrency: "unbounded" }
  ).pipe(
    Effect.map((shares) =>
      Outcome.sum(
        Array.from({ length: choices.seeds }, (_, index) => shares[index % threads]?.[Math.floor(index / threads)])
          .filter((outcome) => outcome !== undefined)
      )
    )
  )
}
