/**
 * Launchers that are killed, and disks that fail, at one act of a command after the other, on one state directory.
 */
import { Effect } from "effect"
import * as CrashPoint from "./CrashPoint.ts"
import * as Ground from "./Ground.ts"
import * as LauncherProcess from "./LauncherProcess.ts"
import * as Operation from "./Operation.ts"
import * as Recording from "./Recording.ts"
import * as WriteFault from "./WriteFault.ts"

/** What came of one of them. */
export interface Outcome {
  /** Which it was, in words that are the same in every series. */
  readonly name: string
  readonly wrong: ReadonlyArray<string>
  /** How many commands of bystanders were answered meanwhile. */
  readonly beside: number
}

/** Which are to be gone through. */
export interface Options {
  /** So many of each operation's, spread over it evenly; absent for all. */
  readonly each?: Readonly<Record<Operation.Operation["name"], number>>
  /** And those whose name this matches. */
  readonly also?: RegExp
  /** Only those whose name has this. */
  readonly match?: string
  /** Told of each when it is over. */
  readonly onOutcome?: (outcome: Outcome) => Effect.Effect<void>
}

/** So many of these, spread evenly. */
export const spread = <A>(all: ReadonlyArray<A>, count: number): ReadonlyArray<A> =>
  count >= all.length ?
    all :
    Array.from({ length: count }, (_, index) => Math.floor((index + 0.5) * all.length / count))
      .flatMap((place) => all.slice(place, place + 1))

interface Case {
  readonly name: string
  /** Answers what is wrong, and the launcher that goes on. */
  readonly run: (
    launcher: LauncherProcess.LauncherProcess
  ) => ReturnType<typeof CrashPoint.run>
}

/** Goes through cases of every operation, then deletes everything and looks for what is left. */
const series = Effect.fnUntraced(function*(
  { also, each, match = "", onOutcome = () => Effect.void }: Options,
  casesOf: (
    ground: Ground.Ground,
    operation: Operation.Operation,
    recording: Effect.Success<ReturnType<typeof Recording.make>>
  ) => ReadonlyArray<Case>
) {
  const outcomes: Array<Outcome> = []
  const tell = (outcome: Outcome) => {
    outcomes.push(outcome)
    return onOutcome(outcome)
  }
  const operations = Operation.operations.filter(({ name }) => (each?.[name] ?? 1) > 0 && isMatched(name, match))
  const ground = yield* Ground.make({ withLinux: operations.some(({ name }) => name === "detach") })
  yield* Effect.scoped(Effect.gen(function*() {
    let launcher = yield* LauncherProcess.make(ground.stateDirectory)
    yield* Operation.startBystanders(launcher, ground)
    for (const operation of operations) {
      const all = casesOf(ground, operation, yield* Recording.make(ground, launcher, operation))
      const some = each === undefined ? all : spread(all, each[operation.name])
      const chosen = all.filter((one) =>
        (some.includes(one) || also?.test(one.name) === true) && one.name.includes(match)
      )
      for (const { name, run } of chosen) {
        const { beside, launcher: next, wrong } = yield* run(launcher)
        launcher = next
        yield* tell({ name, wrong, beside })
      }
      yield* Operation.clear(launcher)
    }
    yield* Effect.forEach(Ground.bystanders, (id) => Operation.demand(launcher, { _tag: "Delete", id }))
    yield* tell({ name: "everything deleted", wrong: yield* Ground.awaitClean(ground, [], launcher.pid), beside: 0 })
  }))
  yield* tell({ name: "the launcher closed", wrong: yield* Ground.awaitClean(ground, [], undefined), beside: 0 })
  return outcomes
}, Effect.scoped)

/** Whether an operation can have cases whose name has this text. */
const isMatched = (name: string, match: string): boolean => !match.includes(":") || match.startsWith(`${name}:`)

/** Kills a launcher before acts of every command, and after its answer. */
export const crashes = (options: Options) =>
  series(options, (ground, operation, acts) =>
    [...acts, "answered" as const].map((point) => ({
      name: CrashPoint.format(operation, point),
      run: (launcher) => CrashPoint.run(ground, launcher, operation, point)
    })))

/** Fails writes of every command, in each of three ways. */
export const writeFaults = (options: Options) =>
  series(
    options,
    (ground, operation, acts) =>
      acts.filter(WriteFault.isWrite).flatMap((act) =>
        WriteFault.names.map((fault) => ({
          name: WriteFault.format(operation, act, fault),
          run: (launcher: LauncherProcess.LauncherProcess) =>
            Effect.map(
              WriteFault.run(ground, launcher, operation, act, fault),
              ({ wrong }) => ({ launcher, wrong, beside: 2 })
            )
        }))
      )
  )

/** What is wrong in all of these, in words. */
export const report = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  outcomes.flatMap(({ name, wrong }) => wrong.map((one) => `${name}: ${one}`))
