/**
 * That the daemon is going: what is followed ends, and who waits is answered in time.
 */
import { Context, Deferred, type Duration, Effect, Layer } from "effect"

export class Shutdown extends Context.Service<Shutdown, {
  /** Completes when it begins to go: nothing is followed any more. */
  readonly began: Effect.Effect<void>
  /** Whether it has begun. */
  readonly hasBegun: Effect.Effect<boolean>
  /** Completes when commands have had their time: who still waits is told that the daemon goes. */
  readonly expired: Effect.Effect<void>
  /** Begins to go. Returns at once. */
  readonly begin: Effect.Effect<void>
}>()("vivarium/Shutdown") {}

/** `deadline`: how long commands in progress are waited for. */
export const layer = (deadline: Duration.Duration): Layer.Layer<Shutdown> =>
  Layer.effect(
    Shutdown,
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const began = yield* Deferred.make<void>()
      const expired = yield* Deferred.make<void>()
      return Shutdown.of({
        began: Deferred.await(began),
        hasBegun: Deferred.isDone(began),
        expired: Deferred.await(expired),
        begin: Effect.gen(function*() {
          if (!(yield* Deferred.succeed(began, undefined))) return
          yield* Effect.sleep(deadline).pipe(
            Effect.andThen(Deferred.succeed(expired, undefined)),
            Effect.interruptible,
            Effect.forkIn(scope)
          )
        })
      })
    })
  )
