/**
 * A launcher is killed at one act of a command, while others are being commanded; and another one goes on.
 */
import { Effect } from "effect"
import * as Act from "./Act.ts"
import * as Ground from "./Ground.ts"
import * as LauncherProcess from "./LauncherProcess.ts"
import * as Load from "./Load.ts"
import * as Operation from "./Operation.ts"
import * as Recording from "./Recording.ts"
import * as Strace from "./Strace.ts"
import * as Verdict from "./Verdict.ts"

/** Where a launcher is killed: before an act, or once it has answered. */
export type Point = Act.Act | "answered"

/** Where that is, in words. */
export const format = (operation: Operation.Operation, point: Point): string =>
  `${operation.name}: ${point === "answered" ? "once it is answered" : `before ${Act.format(point)}`}`

/** How long the launcher has to come to the act. */
const reachDeadline = "20 seconds"

/**
 * Whether bystanders, while they are commanded, make calls that can not be told from this one: they have their records in the
 * same directory, and dial as well when a command comes before the last one's step is over. Then they rest.
 */
const isShared = ({ call, kind, target }: Act.Act): boolean =>
  target === "records" || kind === "dial" || (kind === "socket" && call === "writev")

/** Carries out a command, and kills the launcher in it. Says whether it was answered, and whether the act was reached. */
const strike = Effect.fnUntraced(function*(
  ground: Ground.Ground,
  launcher: LauncherProcess.LauncherProcess,
  operation: Operation.Operation,
  point: Point
) {
  const load = yield* Load.begin(launcher, point === "answered" || !isShared(point))
  const carryOut = Effect.gen(function*() {
    const answer = yield* Effect.flatten(launcher.say(operation.command(ground))).pipe(
      Effect.catchTag("LauncherEnded", () => Effect.undefined)
    )
    if (answer !== undefined && answer._tag !== "Done") return yield* Effect.die(JSON.stringify(answer))
    return answer !== undefined
  })
  if (point === "answered") {
    const isAnswered = yield* carryOut
    yield* launcher.kill
    return { isAnswered, isReached: true, load }
  }
  const place = yield* Recording.place(ground, launcher)
  return yield* Strace.during(
    launcher.pid,
    Act.inject(point, place, "signal=SIGKILL"),
    (tracer) =>
      Effect.gen(function*() {
        const isAnswered = yield* carryOut
        const ended = yield* Effect.timeoutOption(launcher.ended, reachDeadline)
        if (ended._tag === "None") yield* launcher.kill
        return { isAnswered, isReached: ended._tag === "Some" && (yield* tracer.hasActed), load }
      })
  )
}, Effect.scoped)

/** What the launcher's answer says of what it was asked for. */
const isKept = ({ wanted, hasVolume }: Operation.Operation, seen: Verdict.Wanted): boolean =>
  seen.state === wanted && (wanted === "absent" || seen.hasVolume === hasVolume)

/**
 * Kills a launcher at a point of an operation, has another one go on, and answers that one and what is wrong.
 *
 * What is on record at the death is what becomes of the instance; what was answered is on record; nothing is done twice;
 * bystanders go on under the same pid; and nothing is left but what the records explain. Then the command is asked for once
 * more, as its caller would, and comes about.
 */
export const run = Effect.fnUntraced(function*(
  ground: Ground.Ground,
  launcher: LauncherProcess.LauncherProcess,
  operation: Operation.Operation,
  point: Point
) {
  const wrong: Array<string> = []
  const complain = (when: string, what: ReadonlyArray<string>) => wrong.push(...what.map((one) => `${when}: ${one}`))
  yield* operation.prepare(ground, launcher)
  yield* Effect.forEach(Ground.bystanders, (id) => Operation.demand(launcher, { _tag: "Resume", id }))
  const before = yield* Ground.guests(ground)
  const { isAnswered, isReached, load } = yield* strike(ground, launcher, operation, point)
  if (!isReached) complain("the launcher", ["did not come to the act"])

  const survivor = (yield* Ground.guests(ground)).get(Ground.id)?.[0]
  const intent = Verdict.ofRecord(Ground.record(ground, Ground.id), survivor)
  if (isAnswered && !isKept(operation, intent)) complain("answered", [`but on record is ${JSON.stringify(intent)}`])

  const next = yield* LauncherProcess.make(ground.stateDirectory)
  complain("the next launcher", yield* Verdict.converge(ground, next, intent))
  complain("the next launcher", yield* bystanding(ground, next, before, load))
  const ids = (yield* next.list).map(({ id }) => id)
  complain("the next launcher", yield* Ground.awaitClean(ground, ids, next.pid))

  const again = yield* next.ask(operation.command(ground))
  const isDone = again._tag === "Done" ||
    (again._tag === "Failed" && again.code === "no_instance" && operation.wanted === "absent")
  if (!isDone) complain("asked again", [`it answered ${JSON.stringify(again)}`])
  complain(
    "asked again",
    yield* Verdict.converge(ground, next, {
      ...intent,
      state: operation.wanted,
      hasVolume: operation.hasVolume,
      starts: undefined,
      pid: undefined
    })
  )
  if (operation.name !== "detach") {
    yield* Operation.clear(next)
    complain("deleted", yield* Ground.awaitClean(ground, Ground.bystanders, next.pid))
  }
  return { launcher: next, wrong, beside: load.reduce((sum, { answers }) => sum + answers, 0) }
})

/** What is wrong with the bystanders. */
const bystanding = Effect.fnUntraced(function*(
  ground: Ground.Ground,
  launcher: LauncherProcess.LauncherProcess,
  before: ReadonlyMap<string, ReadonlyArray<number>>,
  load: ReadonlyArray<Load.Known>
) {
  const [now, instances] = [yield* Ground.guests(ground), yield* launcher.list]
  return load.flatMap(({ asked, id, is, refused }) => {
    const [was, pids] = [before.get(id) ?? [], now.get(id) ?? []]
    const state = instances.find((one) => one.id === id)?.state._tag
    return [
      ...(refused === undefined ? [] : [`bystander ${id} was refused: ${refused}`]),
      ...(pids.join() === was.join() && pids.length === 1
        ? []
        : [`bystander ${id} is ${pids.join()}, and was ${was.join()}`]),
      ...(state === is || state === asked ? [] : [`bystander ${id} is ${state}, and was told to be ${is} or ${asked}`])
    ]
  })
})
