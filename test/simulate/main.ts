/**
 * The simulation: `main.ts --seed S --commands N`. Random commands from concurrent clients against launchers that crash, on a
 * simulated host where everything can go wrong, on virtual time; `--help` tells the rest. The same seed and the same
 * numbers give the same run. Ends with status 1, and the command that runs it again, when a promise was not kept.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Data, Effect, FileSystem, Layer, Logger, Option, Runtime } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { description } from "./description.ts"
import * as Outcome from "./Outcome.ts"
import * as Runs from "./Runs.ts"

/** A promise was not kept, which has been told. */
class Violated extends Data.TaggedError("Violated") {
  override readonly [Runtime.errorReported] = false
}

/** The command line was wrong, or the file for the trace no good, which has been told. */
class Misused extends Data.TaggedError("Misused") {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode] = 2
}

const atLeast = (name: string, least: number, standard: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter((value) => value >= least, (value) => `--${name} must be ${least} or more, not ${value}`),
    Flag.withDefault(standard),
    Flag.withDescription(`${description} Default ${standard}.`)
  )

const simulate = Command.make(
  "simulate",
  {
    seed: atLeast("seed", 0, 1, "Decides everything that is left to chance."),
    seeds: atLeast("seeds", 1, 1, "Runs so many seeds, from --seed on, on two threads where there are two cores."),
    commands: atLeast("commands", 1, 1_000, "How many commands the clients of each run ask for."),
    instances: atLeast("instances", 1, 8, "How many instances they are about."),
    faults: Flag.Literals("faults", ["none", "default", "hostile"]).pipe(
      Flag.withDefault("default"),
      Flag.withDescription("How much goes wrong: see above. Default default.")
    ),
    yieldBudget: atLeast("yield", 3, 5, "The most operations a fiber goes on for before others may."),
    crashMeanSteps: atLeast("crash-mean", 0, 4_000, "Steps between two crashes of a launcher on average; 0 for none."),
    trace: Flag.optional(Flag.Path("trace")).pipe(
      Flag.withDescription("Writes all that happens into this file. For one seed.")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Prints one JSON document, and nothing else, on standard output.")
    )
  },
  Effect.fnUntraced(function*({ json, trace, ...choices }) {
    if (Option.isNone(trace)) return yield* tell(choices, json, yield* Runs.run(choices))
    if (choices.seeds > 1) {
      return yield* new CliError.UserError({ cause: "--trace is for one seed: leave out --seeds" })
    }
    yield* traced(choices, json, trace.value)
  })
).pipe(Command.withDescription(description))

/** Tells what came of it, and fails where a promise was not kept. */
const tell = Effect.fnUntraced(function*(choices: Outcome.Choices, json: boolean, outcome: Outcome.Outcome) {
  const { violations, ...rest } = outcome
  const replays = [...new Set(violations.map(({ seed }) => seed))].map((seed) => Outcome.replay(choices, seed))
  const { commands: _, faults: preset, ...given } = choices
  yield* Console.log(
    json
      ? JSON.stringify({ ...given, preset, ...rest, violations, replays })
      : Outcome.format(choices, outcome)
  )
  if (violations.length > 0) return yield* new Violated()
})

/** One run, with its trace in a file. What came of it is told in any case. */
const traced = Effect.fnUntraced(function*(choices: Outcome.Choices, json: boolean, path: string) {
  const fs = yield* FileSystem.FileSystem
  const { outcome, trace } = yield* Runs.runTraced(choices)
  const writing = yield* Effect.exit(
    fs.writeFileString(path, `${trace.join("\n")}\n`).pipe(
      Effect.catch(({ message, reason }) => {
        const why = reason.cause instanceof Error ? reason.cause.message : message
        return Effect.andThen(Console.error(`--trace can not write into ${path}: ${why}`), new Misused())
      })
    )
  )
  // That a promise was not kept counts for more than a file that could not be written.
  yield* tell(choices, json, outcome)
  yield* writing
})

Command.run(simulate, { version: "0.1.0" }).pipe(
  Effect.mapError((error) => CliError.isCliError(error) ? new Misused() : error),
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
