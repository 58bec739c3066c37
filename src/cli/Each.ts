/**
 * A command about several instances: done for all at once, told of each, and ended with what they came to together.
 */
import { Cause, Console, Effect, Exit, Stream } from "effect"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { CliFailure, failed } from "./CliFailure.ts"
import { Daemon } from "./Daemon.ts"
import { ExitCode, ofAll } from "./ExitCode.ts"
import { called, doing, stateText } from "./InstanceText.ts"
import { type Output, output, tell } from "./Output.ts"
import { type Progress, progress } from "./Progress.ts"
import { report, toJson } from "./Report.ts"
import { find } from "./Target.ts"
import { plain } from "./Text.ts"

/** How many commands are under way at once. */
const atOnce = 16

/** What is done to one instance. */
export interface Deed<A> {
  /** What it is being done, such as `stopping`. */
  readonly doing: string
  /** What goes on when nobody waits for it any more, such as `its stop`; undefined where nothing does. */
  readonly goesOn: string | undefined
  readonly act: (info: InstanceInfo) => Effect.Effect<A, CliFailure>
  /** What a person is told when it is done. */
  readonly done: (info: InstanceInfo, result: A) => string
}

/** Tells what instances do, while the scope is open. */
export const follow = Effect.fnUntraced(function*(
  ids: ReadonlyArray<string>,
  { say }: Progress,
  names: ReadonlyMap<string, string>
) {
  const daemon = yield* Daemon
  yield* daemon.changes({ ids }, undefined).pipe(
    Stream.runForEach((change) => {
      if (change._tag !== "Event") return Effect.void
      const { change: what, id } = change.event
      const state = what._tag === "StateChanged" ? what.state : what._tag === "Added" ? what.instance.state : undefined
      return state === undefined ? Effect.void : say(names.get(id) ?? id, doing(state))
    }),
    // It only tells: what is waited for tells of its own failure.
    Effect.ignore,
    Effect.forkScoped
  )
})

/** What an instance is after nobody waits for it any more. */
const tellLeft = (daemon: Daemon["Service"], id: string, name: string, goesOn: string | undefined) =>
  Effect.gen(function*() {
    const left = yield* daemon.get(id).pipe(
      Effect.map(({ state }) => stateText(state)),
      Effect.catchIf(({ exitCode }) => exitCode === ExitCode.notFound, () => Effect.succeed("gone")),
      Effect.timeout("5 seconds"),
      Effect.catch(() => Effect.succeed("in a state that the daemon does not tell"))
    )
    yield* Console.error(`viv: interrupted: ${name} is ${left}${goesOn === undefined ? "" : `; ${goesOn} goes on`}`)
  })

const failureOf = (cause: Cause.Cause<CliFailure>): CliFailure => {
  const error = Cause.squash(cause)
  return error instanceof CliFailure ? error : failed(`this is a bug of viv: ${Cause.pretty(cause)}`)
}

const one = Effect.fnUntraced(function*<A>(out: Output, shown: Progress, reference: string, deed: Deed<A>) {
  const daemon = yield* Daemon
  const info = yield* find(daemon, reference)
  const name = called(info)
  yield* shown.say(name, deed.doing)
  const watched = out.mode === "human" && deed.goesOn !== undefined
    ? Effect.andThen(follow([info.spec.id], shown, new Map([[info.spec.id, name]])), deed.act(info))
    : deed.act(info)
  const result = yield* Effect.scoped(watched).pipe(
    Effect.onInterrupt(() => shown.aside(tellLeft(daemon, info.spec.id, name, deed.goesOn))),
    Effect.ensuring(shown.over(name))
  )
  if (out.mode === "human") yield* shown.aside(Console.log(plain(deed.done(info, result))))
  if (out.mode === "quiet") yield* Console.log(info.spec.id)
  return { info, result }
})

/** Does it to each instance that is meant. One that fails keeps nobody from the others. */
export const each = Effect.fnUntraced(function*<A>(references: ReadonlyArray<string>, deed: Deed<A>) {
  const out = yield* output
  const shown = yield* progress(out)
  const ends = yield* Effect.forEach(
    Array.from(new Set(references)),
    (reference) =>
      Effect.exit(one(out, shown, reference, deed)).pipe(
        Effect.flatMap((exit) =>
          Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)
            ? Effect.interrupt
            : Effect.succeed({ reference, exit })
        ),
        Effect.tap(({ exit }) =>
          Exit.isFailure(exit) && out.mode !== "json" ? shown.aside(report(failureOf(exit.cause), false)) : Effect.void
        )
      ),
    { concurrency: atOnce }
  )
  if (out.mode === "json") {
    yield* tell(out, {
      human: () => [],
      ids: () => [],
      json: () =>
        ends.map(({ exit, reference }) =>
          Exit.isSuccess(exit)
            ? {
              reference,
              id: exit.value.info.spec.id,
              ...(exit.value.info.spec.name === undefined ? {} : { name: exit.value.info.spec.name }),
              ...(exit.value.result === undefined ? {} : { result: exit.value.result })
            }
            : { reference, error: toJson(failureOf(exit.cause)) }
        )
    })
  }
  const failures = ends.flatMap(({ exit }) => Exit.isFailure(exit) ? [failureOf(exit.cause)] : [])
  if (failures.length > 0) {
    const [{ detail } = failed("")] = failures
    return yield* new CliFailure({ exitCode: ofAll(failures.map(({ exitCode }) => exitCode)), detail, told: true })
  }
})
