/**
 * Commands in progress. They run beside their callers: one that goes away cancels nothing, unless it asked for that. What became of
 * those that somebody may ask for is kept for an hour after their end, and at most so many of them.
 */
import {
  Cause,
  Clock,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberSet,
  Layer,
  Option,
  Schedule
} from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpServerError } from "effect/http"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { Operation } from "./Operation.ts"
import { make as problem, type Problem } from "./Problem.ts"
import { Shutdown } from "./Shutdown.ts"

/** How long the end of an operation is kept. */
const keptFor = Duration.hours(1)

/** How many ended operations are kept at most. */
const keptMax = 10_000

/** What is asked for. */
export interface Request {
  /** Such as `start`. */
  readonly command: string
  readonly instance?: string | undefined
  /** The caller does not wait, and asks for it later. */
  readonly isAsync?: boolean
  /** The caller's going takes it back. */
  readonly cancelOnDisconnect?: boolean | undefined
  /** The key under which the same request again is the same operation, and what makes requests the same. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string } | undefined
}

type Result = InstanceInfo | undefined

/** One command. */
interface Entry {
  readonly id: string
  readonly request: Request
  readonly beganMillis: number
  readonly fiber: Fiber.Fiber<void>
  readonly done: Deferred.Deferred<Result, Problem>
  ended: { readonly exit: Exit.Exit<Result, Problem>; readonly atMillis: number } | undefined
}

/** What a caller is answered: what the command came to, or that it goes on. */
export type Answer =
  | { readonly _tag: "Done"; readonly result: Result }
  | { readonly _tag: "Begun"; readonly operation: Operation }

export class Operations extends Context.Service<Operations, {
  /**
   * Runs a command, and answers what it answers; at once with the operation, where the request says so. Fails with
   * `idempotency_mismatch` where its key was another request's.
   */
  readonly run: (
    request: Request,
    command: Effect.Effect<Result, Problem>
  ) => Effect.Effect<Answer, Problem>
  /** One that goes on or ended within the last hour. Fails with `not_found`. */
  readonly get: (id: string) => Effect.Effect<Operation, Problem>
  /** Runs something until it ends or the daemon does, whoever asked for it. */
  readonly detach: (effect: Effect.Effect<void>) => Effect.Effect<void>
}>()("vivarium/Operations") {}

const view = ({ beganMillis, ended, id, request }: Entry): Operation => ({
  operation: id,
  command: request.command,
  ...(request.instance === undefined ? {} : { instance: request.instance }),
  beganMillis,
  ...(ended === undefined ? { state: "running" as const } : {
    endedMillis: ended.atMillis,
    ...(Exit.isSuccess(ended.exit)
      ? { state: "done" as const, ...(ended.exit.value === undefined ? {} : { result: ended.exit.value }) }
      : { state: "failed" as const, problem: problemOf(ended.exit.cause) })
  })
})

/** Why an operation failed: where it did not come to its end, that. */
const problemOf = (cause: Cause.Cause<Problem>): Problem =>
  Option.getOrElse(Cause.findErrorOption(cause), () =>
    Cause.hasDies(cause)
      ? problem("internal_error", { detail: "the daemon failed", hint: "its log says why" })
      : problem("superseded", { detail: "it was taken back", hint: "ask again, if it is still wanted" }))

const isClientGone = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) =>
    reason._tag === "Interrupt" && reason.annotations.has(HttpServerError.ClientAbort.key)
  )

export const make = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const random = yield* SecureRandom.SecureRandom
  const shutdown = yield* Shutdown
  const fork = yield* FiberSet.makeRuntime()
  const entries = new Map<string, Entry>()
  const byKey = new Map<string, Entry>()

  const forget = (entry: Entry) => {
    entries.delete(entry.id)
    const key = entry.request.idempotency?.key
    if (key !== undefined && byKey.get(key) === entry) byKey.delete(key)
  }
  const sweep = Effect.sync(() => {
    const old = clock.currentTimeMillisUnsafe() - Duration.toMillis(keptFor)
    const ended = Array.from(entries.values()).filter((entry) => entry.ended !== undefined)
    ended.sort((a, b) => (a.ended?.atMillis ?? 0) - (b.ended?.atMillis ?? 0))
    ended.forEach((entry, index) => {
      if ((entry.ended?.atMillis ?? 0) <= old || index < ended.length - keptMax) forget(entry)
    })
  })
  yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced("1 minute")))

  const begin = Effect.fnUntraced(function*(request: Request, command: Effect.Effect<Result, Problem>) {
    const id = yield* random.uuidV4()
    const done = yield* Deferred.make<Result, Problem>()
    const isKept = request.isAsync === true || request.idempotency !== undefined
    const started = yield* Deferred.make<Entry>()
    const fiber = fork(
      Effect.exit(command).pipe(
        Effect.flatMap((exit) =>
          Effect.map(Deferred.await(started), (entry) => {
            entry.ended = { exit, atMillis: clock.currentTimeMillisUnsafe() }
            if (!isKept) forget(entry)
          }).pipe(Effect.andThen(Deferred.done(done, exit)))
        ),
        Effect.onInterrupt(() => Deferred.interrupt(done)),
        Effect.asVoid
      )
    )
    const entry: Entry = { id, request, beganMillis: clock.currentTimeMillisUnsafe(), fiber, done, ended: undefined }
    entries.set(id, entry)
    if (request.idempotency !== undefined) byKey.set(request.idempotency.key, entry)
    yield* Deferred.succeed(started, entry)
    return entry
  })

  const find = (request: Request, command: Effect.Effect<Result, Problem>): Effect.Effect<Entry, Problem> =>
    Effect.suspend(() => {
      const { idempotency } = request
      const known = idempotency === undefined ? undefined : byKey.get(idempotency.key)
      if (known === undefined) return begin(request, command)
      return known.request.idempotency?.fingerprint === idempotency?.fingerprint
        ? Effect.succeed(known)
        : Effect.fail(problem("idempotency_mismatch", {
          detail: "this Idempotency-Key was used for another request within the last hour",
          hint: "use a new key for a new request"
        }))
    })

  const goes = Effect.andThen(
    shutdown.expired,
    Effect.fail(problem("launcher_closed", {
      detail: "the daemon is stopping before the command is done",
      hint: "what was asked for is on record, and goes on when the daemon is back: look at the instance's state then"
    }))
  )

  return Operations.of({
    run: (request, command) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(find(request, command), (entry): Effect.Effect<Answer, Problem> => {
          if (request.isAsync === true) return Effect.succeed({ _tag: "Begun" as const, operation: view(entry) })
          return restore(Effect.raceFirst(Deferred.await(entry.done), goes)).pipe(
            Effect.map((result) => ({ _tag: "Done" as const, result })),
            Effect.onExit((exit) =>
              request.cancelOnDisconnect === true && isClientGone(exit) ? Fiber.interrupt(entry.fiber) : Effect.void
            )
          )
        })
      ),
    get: (id) =>
      Effect.suspend(() => {
        const entry = entries.get(id)
        return entry === undefined
          ? Effect.fail(problem("not_found", {
            detail: `there is no operation ${id}`,
            hint: "operations are kept for an hour, and are gone with the daemon: look at the instance instead"
          }))
          : Effect.succeed(view(entry))
      }),
    detach: (effect) => Effect.sync(() => void fork(effect))
  })
})

/** Commands in progress. To be built before the launcher, so that its end answers them. */
export const layer: Layer.Layer<Operations, never, SecureRandom.SecureRandom | Shutdown> = Layer.effect(
  Operations,
  make
)
