/**
 * Responses that go on: how many there may be, when they end, and what becomes of those whose readers do not read.
 */
import { Clock, Context, Duration, Effect, Fiber, Layer, type Scope, Stream } from "effect"
import { make as problem, type Problem } from "./Problem.ts"
import { Shutdown } from "./Shutdown.ts"

/** How responses that go on are limited. */
export interface StreamLimits {
  /** How many there may be at one time. */
  readonly streamsMax: number
  /** How long a reader may leave what was sent unread. */
  readonly stallDeadline: Duration.Duration
  /** After how long without a word a follower of events is told that it is quiet. */
  readonly quietAfter: Duration.Duration
}

export class Streams extends Context.Service<Streams, {
  readonly limits: StreamLimits
  /** Takes a place for as long as the scope is open. Fails with `too_many`. */
  readonly admit: Effect.Effect<void, Problem, Scope.Scope>
  /** Ends it when the daemon goes, and cuts it off when its reader does not read. */
  readonly bound: <A, E>(stream: Stream.Stream<A, E>) => Stream.Stream<A, E>
}>()("vivarium/Streams") {}

export const layer = (limits: StreamLimits): Layer.Layer<Streams, never, Shutdown> =>
  Layer.effect(
    Streams,
    Effect.gen(function*() {
      const shutdown = yield* Shutdown
      let open = 0
      return Streams.of({
        limits,
        admit: Effect.acquireRelease(
          Effect.suspend(() => {
            if (open >= limits.streamsMax) {
              return Effect.fail(problem("too_many", {
                detail: `${limits.streamsMax} logs, consoles and followers of events are open, and no more are allowed`,
                hint: "close some, or raise limits.streamsMax in the daemon's configuration"
              }))
            }
            open++
            return Effect.void
          }),
          () => Effect.sync(() => open--)
        ),
        bound: (stream) => cutWhenStalled(Stream.interruptWhen(stream, shutdown.began), limits.stallDeadline)
      })
    })
  )

/**
 * Interrupts who reads a stream when it was given something and has not come back for more in time: its peer does not read. At most
 * twice the time passes until then.
 */
const cutWhenStalled = <A, E, R>(self: Stream.Stream<A, E, R>, deadline: Duration.Duration): Stream.Stream<A, E, R> =>
  Stream.transformPull(self, (pull, scope) =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const deadlineMillis = Duration.toMillis(deadline)
      let reader: Fiber.Fiber<unknown, unknown> | undefined
      let givenMillis: number | undefined
      const watch: Effect.Effect<void> = Effect.suspend(() => {
        if (givenMillis !== undefined && clock.currentTimeMillisUnsafe() - givenMillis >= deadlineMillis) {
          reader?.interruptUnsafe()
          return Effect.void
        }
        return Effect.andThen(Effect.sleep(deadline), watch)
      })
      yield* Effect.forkIn(watch, scope)
      return Effect.suspend(() => {
        reader = Fiber.getCurrent()
        givenMillis = undefined
        return Effect.tap(pull, () => Effect.sync(() => givenMillis = clock.currentTimeMillisUnsafe()))
      })
    }))
