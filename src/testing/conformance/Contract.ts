/**
 * Holding a virtualizer to its contract: each check says in words what the contract asks for.
 */
import { Cause, Duration, Effect, Equal, Exit, Fiber, Predicate, Schedule, Scope } from "effect"
import { type Reason, VirtualizerError } from "../../VirtualizerError.ts"
import { ConformanceClock } from "./ConformanceClock.ts"
import { ConformanceFailure } from "./ConformanceFailure.ts"

/** Fails: the contract asks for this, and that was found. */
export const broken = (contract: string, found: string): Effect.Effect<never, ConformanceFailure> =>
  Effect.fail(new ConformanceFailure({ contract, found }))

/** A value in words. */
export const inWords = (value: unknown): string =>
  value === undefined ? "nothing" : Predicate.isString(value) ? value : JSON.stringify(value)

/** Something is to be so. */
export const holds = (isSo: boolean, contract: string, found: () => string): Effect.Effect<void, ConformanceFailure> =>
  Effect.suspend(() => isSo ? Effect.void : broken(contract, found()))

/** A value is to be this one. */
export const equals = <A>(value: A, expected: A, contract: string): Effect.Effect<void, ConformanceFailure> =>
  holds(Equal.equals(value, expected), contract, () => `${inWords(value)}, not ${inWords(expected)}`)

/** What came of an effect, in words. */
export const outcome = (exit: Exit.Exit<unknown, VirtualizerError>): string => {
  if (Exit.isSuccess(exit)) return "it succeeded"
  const { cause } = exit
  const failure = cause.reasons.find(Cause.isFailReason)
  return failure !== undefined
    ? `it failed with ${failure.error.reason._tag}: ${failure.error.message}`
    : Cause.hasInterruptsOnly(cause)
    ? "it interrupted itself"
    : `it died, which is a bug of the virtualizer: ${Cause.pretty(cause)}`
}

/**
 * Begins something that goes on while the test does something else: in a fiber of its own, so that what can not be interrupted
 * hangs by itself, and not the test. It is interrupted when the scope closes, which is not waited for.
 */
export const begin = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkIn(effect, Scope.makeUnsafe(), { startImmediately: true })
  yield* Effect.addFinalizer(() => Effect.sync(() => fiber.interruptUnsafe()))
  return fiber
})

/** What was begun is under way: it has had the time to come to its first wait. */
export const settled: Effect.Effect<void, never, ConformanceClock> = Effect.flatMap(
  ConformanceClock,
  ({ interval }) => Effect.sleep(interval)
)

/** Something is to come about by itself. */
export const comes = Effect.fnUntraced(function*<A, E, R>(
  what: string,
  effect: Effect.Effect<A, E, R>
): Effect.fn.Return<Exit.Exit<A, E>, ConformanceFailure, ConformanceClock | Scope.Scope | R> {
  const { patience } = yield* ConformanceClock
  const fiber = yield* begin(effect)
  return yield* Effect.timeoutOrElse(Fiber.await(fiber), {
    duration: patience,
    orElse: () => broken(`${what} comes to an end`, `it had not after ${Duration.format(patience)}`)
  })
})

/** An operation is to succeed. Answers with what it did. */
export const succeeds = Effect.fnUntraced(function*<A, R>(
  what: string,
  effect: Effect.Effect<A, VirtualizerError, R>
): Effect.fn.Return<A, ConformanceFailure, ConformanceClock | Scope.Scope | R> {
  const exit = yield* comes(what, effect)
  return Exit.isSuccess(exit) ? exit.value : yield* broken(`${what} succeeds`, outcome(exit))
})

/** An operation is to fail for one of these reasons. */
export const refuses = Effect.fnUntraced(function*<A, R>(
  what: string,
  effect: Effect.Effect<A, VirtualizerError, R>,
  reasons: readonly [Reason["_tag"], ...ReadonlyArray<Reason["_tag"]>]
): Effect.fn.Return<void, ConformanceFailure, ConformanceClock | Scope.Scope | R> {
  const exit = yield* comes(what, effect)
  const isRefused = Exit.isFailure(exit) &&
    exit.cause.reasons.some((reason) =>
      Cause.isFailReason(reason) && reason.error instanceof VirtualizerError &&
      reasons.includes(reason.error.reason._tag)
    )
  if (!isRefused) return yield* broken(`${what} fails with ${reasons.join(" or ")}`, outcome(exit))
})

/** Something is to come about. `look` answers with what is not so yet. */
export const eventually = Effect.fnUntraced(function*<R>(
  contract: string,
  look: Effect.Effect<string | undefined, ConformanceFailure, R>
): Effect.fn.Return<void, ConformanceFailure, ConformanceClock | R> {
  const { interval, patience } = yield* ConformanceClock
  let last: string | undefined
  yield* look.pipe(
    Effect.map((found) => {
      last = found
      return found === undefined
    }),
    Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced(interval) }),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => broken(contract, `after ${Duration.format(patience)}: ${last ?? "it takes for ever to look"}`)
    })
  )
})

/** Something is not to come about. */
export const neverComes = Effect.fnUntraced(function*<A, E, R>(
  contract: string,
  effect: Effect.Effect<A, E, R>
): Effect.fn.Return<void, ConformanceFailure, ConformanceClock | Scope.Scope | R> {
  const { silence } = yield* ConformanceClock
  const fiber = yield* begin(effect)
  const exit = yield* Effect.timeoutOption(Fiber.await(fiber), silence)
  if (exit._tag === "Some") {
    return yield* broken(contract, Exit.isSuccess(exit.value) ? inWords(exit.value.value) : "it failed")
  }
})

/**
 * An operation in progress is to end when it is interrupted, and with nothing else. `meanwhile` happens once it has been
 * interrupted, and need not have ended.
 */
export const isInterrupted = Effect.fnUntraced(function*(
  what: string,
  fiber: Fiber.Fiber<unknown, VirtualizerError>,
  meanwhile: Effect.Effect<void> = Effect.void
): Effect.fn.Return<void, ConformanceFailure, ConformanceClock | Scope.Scope> {
  fiber.interruptUnsafe()
  yield* meanwhile
  const exit = yield* comes(`${what} and interrupted,`, Fiber.join(fiber))
  yield* holds(
    Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause),
    `${what} can be interrupted at any point`,
    () => outcome(exit)
  )
})
