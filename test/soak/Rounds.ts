/**
 * The rounds of a soak: everything that shows whether a launcher keeps its promises, each time with other chances.
 */
import { CliError } from "effect/cli"
import { Effect } from "effect"
import { Dice } from "../../src/internal/Dice.ts"
import * as Series from "../integration/crash/Series.ts"
import * as EngineKills from "../integration/docker/EngineKills.ts"
import * as DockerEngine from "../host/docker/DockerEngine.ts"
import * as TestImages from "../host/docker/TestImages.ts"
import * as Kills from "../integration/daemon/Kills.ts"
import * as Programs from "../host/Programs.ts"
import * as Outcomes from "../integration/outcomes/Outcomes.ts"
import * as Outcome from "../simulate/Outcome.ts"
import * as Runs from "../simulate/Runs.ts"
import type { Part, Progress } from "./Progress.ts"

/** What a round is made of. */
export interface Options {
  /** The seed of the first round; each later one has the next. */
  readonly seed: number
  readonly parts: ReadonlyArray<Part>
  /** How many commands are simulated. */
  readonly commands: number
  /** How often a Docker Engine goes away. */
  readonly kills: number
  /** How many sequences are played on QEMU, on a Docker Engine, and on the simulation. */
  readonly sequences: number
  /** Only crash points and write faults whose name has this. */
  readonly match: string | undefined
}

/** How many commands one simulation asks for, and how many of them are run before they are counted. */
const commandsOfRun = 1_000
const runsOfBatch = 10

/** How many acts a sequence has. */
const sequenceLength = 12

const simulate = Effect.fnUntraced(function*(progress: Progress, { commands }: Options, seed: number) {
  const dice = new Dice(seed).for("simulate")
  const runs = Math.ceil(commands / commandsOfRun)
  for (let done = 0; done < runs; done += runsOfBatch) {
    const choices: Outcome.Choices = {
      seed: dice.below(2 ** 31),
      seeds: Math.min(runsOfBatch, runs - done),
      commands: Math.min(commandsOfRun, commands),
      instances: dice.between(1, 12),
      faults: dice.one("none", "default", "default", "hostile"),
      yieldBudget: dice.between(3, 5),
      crashMeanSteps: dice.one(500, 4_000, 20_000)
    }
    const outcome = yield* Runs.run(choices)
    yield* Effect.forEach(
      outcome.violations,
      ({ checker, detail, seed }) =>
        progress.violation("simulate", `${checker}: ${detail}`, Outcome.replay(choices, seed))
    )
    yield* progress.count("simulate", outcome.commands)
  }
})

/** Goes through a series, counting. Answers how many of its cases matched. */
const series = (
  progress: Progress,
  part: "crashes" | "faults",
  run: typeof Series.crashes,
  { match }: Options
) =>
  run({
    ...match === undefined ? {} : { match },
    onOutcome: ({ name, wrong }) =>
      Effect.andThen(
        Effect.forEach(
          wrong,
          (what) => progress.violation(part, `${name}: ${what}`, `npm run soak -- --only ${part} --match '${name}'`)
        ),
        progress.count(part, 1)
      )
  }).pipe(
    // The last two are what is looked at in the end.
    Effect.map((outcomes) => outcomes.length - 2)
  )

const engines = (progress: Progress, { kills }: Options, seed: number) =>
  EngineKills.run(EngineKills.points(seed, kills), (name, wrong) =>
    Effect.andThen(
      Effect.forEach(
        wrong,
        (what) =>
          progress.violation(
            "engines",
            `${name}: ${what}`,
            `npm run soak -- --only engines --seed ${seed} --kills ${kills}`
          )
      ),
      progress.count("engines", 1)
    ))

/** Two at a time, as their guests are idle much of it. */
const outcomes = Effect.fnUntraced(function*(progress: Progress, { sequences }: Options, seed: number) {
  const engine = yield* DockerEngine.make()
  yield* TestImages.load(engine)
  const reals = [Outcomes.qemu, Outcomes.docker(engine)]
  yield* Effect.forEach(
    Array.from({ length: sequences }, (_, index) => index),
    Effect.fnUntraced(function*(index) {
      for (const real of reals) {
        const difference = yield* Outcomes.difference(`${seed}-${index}`, sequenceLength, real)
        if (difference !== undefined) {
          yield* progress.violation(
            "outcomes",
            Outcomes.report(real.name, difference),
            `npm run soak -- --only outcomes --seed ${seed} --sequences ${index + 1}`
          )
        }
      }
      yield* progress.count("outcomes", 1)
    }),
    { concurrency: 2, discard: true }
  )
}, Effect.scoped)

/** How often a round kills a daemon. */
const killsOfRound = 100

const kills = (progress: Progress) =>
  Kills.rounds(killsOfRound).pipe(
    Effect.provide(Programs.layerBundled),
    Effect.scoped,
    Effect.flatMap(({ problems }) =>
      Effect.forEach(problems, (what) => progress.violation("kills", what, "npm run soak -- --only kills"))
    ),
    Effect.andThen(progress.count("kills", killsOfRound))
  )

/** One round. */
export const run = Effect.fnUntraced(function*(progress: Progress, options: Options, seed: number) {
  yield* progress.begin(seed)
  let matched = 0
  for (const part of options.parts) {
    if (part === "simulate") yield* simulate(progress, options, seed)
    else if (part === "crashes") matched += yield* series(progress, part, Series.crashes, options)
    else if (part === "faults") matched += yield* series(progress, part, Series.writeFaults, options)
    else if (part === "engines") yield* engines(progress, options, seed)
    else if (part === "outcomes") yield* outcomes(progress, options, seed)
    else yield* kills(progress)
  }
  if (options.match !== undefined && matched === 0) {
    return yield* new CliError.UserError({
      cause:
        `--match: no crash point or write fault has ${options.match} in its name: they begin with a command, as stop:`
    })
  }
  progress.end()
})
