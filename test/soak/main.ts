/**
 * The soak: `main.ts [--for TIME | --rounds N]`. Rounds of everything that shows whether a launcher keeps its promises:
 * simulations, launchers that are killed at every act, writes that fail at every act, Docker Engines that go away at every
 * call, and random commands on QEMU, on Docker and on the simulation. `--help` tells the rest. Without a time or a number, one round.
 *
 * Tells of every violation, with the command that shows it again, and ends with status 1 if there was one, and with status 2
 * if it was asked for what makes no sense. A Ctrl-C ends it with what it has found so far, and leaves nothing; a SIGKILL leaves
 * guests and their directories, as the help says.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Data, Duration, Effect, Exit, Layer, Logger, Option, Random, Runtime } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { parts, Progress } from "./Progress.ts"
import * as Rounds from "./Rounds.ts"

/** A promise was not kept, which has been told. */
class Violated extends Data.TaggedError("Violated") {
  override readonly [Runtime.errorReported] = false
}

/** The command line was wrong, which has been told. */
class Misused extends Data.TaggedError("Misused") {
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode] = 2
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** A time such as `90s`, `30m`, `8h` or `2d`. */
const time = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap((text) => {
      const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
      const seconds = Number(count) * (secondsOf[unit] ?? 0)
      return seconds > 0 ? Option.some(Duration.seconds(seconds)) : Option.none()
    }, (text) => `--${name} takes a number and a unit, such as 90s, 30m, 8h or 2d, not ${text}`),
    Flag.withMetavar("TIME")
  )

const atLeast = (name: string, least: number) =>
  Flag.Int(name).pipe(
    Flag.filter((value) => value >= least, (value) => `--${name} must be ${least} or more, not ${value}`)
  )

const soak = Command.make(
  "soak",
  {
    duration: time("for").pipe(Flag.withDescription("Goes on for so long: 90s, 30m, 8h, 2d."), Flag.optional),
    rounds: atLeast("rounds", 1).pipe(Flag.withDescription("Goes through so many rounds."), Flag.optional),
    only: Flag.Literals("only", parts).pipe(Flag.withDescription("Only this part of each round."), Flag.optional),
    seed: atLeast("seed", 0).pipe(
      Flag.withDescription("Of the first round; another one each time where it is not given."),
      Flag.optional
    ),
    commands: atLeast("commands", 1).pipe(
      Flag.withDefault(200_000),
      Flag.withDescription("How many commands a round simulates.")
    ),
    kills: atLeast("kills", 1).pipe(
      Flag.withDefault(200),
      Flag.withDescription("How often a round kills or restarts a Docker Engine.")
    ),
    sequences: atLeast("sequences", 1).pipe(
      Flag.withDefault(500),
      Flag.withDescription("How many sequences a round plays on QEMU, on Docker and on the simulation.")
    ),
    match: Flag.String("match").pipe(
      Flag.withDescription("Only crash points and write faults whose name has this."),
      Flag.optional
    )
  },
  Effect.fnUntraced(function*({ commands, duration, kills, match, only, rounds, seed, sequences }) {
    if (Option.isSome(duration) && Option.isSome(rounds)) {
      return yield* new CliError.UserError({ cause: "--for and --rounds can not both be given: choose one" })
    }
    const options: Rounds.Options = {
      seed: Option.isSome(seed) ? seed.value : yield* Random.nextIntBetween(0, 2 ** 31 - 1),
      parts: Option.match(only, { onNone: () => parts, onSome: (part) => [part] }),
      commands,
      kills,
      sequences,
      match: Option.getOrUndefined(match)
    }
    const count = Option.getOrElse(rounds, () => Option.isSome(duration) ? Infinity : 1)
    const progress = new Progress(yield* Clock.currentTimeMillis)
    const going = Effect.gen(function*() {
      for (let round = 0; round < count; round++) yield* Rounds.run(progress, options, options.seed + round)
    })
    // The end of all this is told also when it is interrupted.
    const exit = yield* Effect.exit(Effect.interruptible(
      Option.match(duration, {
        onNone: () => going,
        onSome: (duration) => Effect.asVoid(Effect.timeoutOption(going, duration))
      })
    ))
    yield* progress.totals(Exit.hasInterrupts(exit) ? "interrupted" : "done")
    if (progress.violations > 0) return yield* new Violated()
    return yield* exit
  }, Effect.uninterruptible)
).pipe(Command.withDescription([
  "Rounds of everything that shows whether a launcher keeps its promises:",
  "simulations, launchers killed at every act, writes that fail, Docker Engines",
  "that go away at every call, and random commands on QEMU, on Docker and on the",
  "simulation.",
  "Ends with status 1 after a violation.",
  "",
  "A Ctrl-C ends it and leaves nothing. Killed with SIGKILL it leaves guests, and",
  "their directories ground-*, same-*, kills-* and strace-* in TMPDIR, or /tmp: end",
  "each qemu-system-x86_64 whose command line names one of them, and remove them."
].join("\n  ")))

// A terminal that closes, or a reader that has seen enough, ends it like a Ctrl-C.
const interrupt = () => process.kill(process.pid, "SIGTERM")
process.on("SIGHUP", interrupt)
process.stdout.on("error", interrupt)

Command.run(soak, { version: "0.1.0" }).pipe(
  Effect.mapError((error) => CliError.isCliError(error) ? new Misused() : error),
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
