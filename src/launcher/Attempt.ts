/**
 * Something under way that ends by itself, at its deadline, or when it is not wanted any more. What is done at once costs neither a
 * timer nor a wait.
 */
import { type Duration, Effect, Fiber } from "effect"
import type { Signal } from "./Signal.ts"

/** What ends it before its time. */
export interface AttemptOptions<E> {
  readonly deadline: Duration.Duration | undefined
  /** What it fails with at its deadline. */
  readonly late: (deadline: Duration.Duration) => E
  /** Raised when something may have made it unwanted. */
  readonly signal: Signal
  /** Takes in what happened, and says whether it is still wanted. */
  readonly look: Effect.Effect<boolean>
}

/** Does something, and interrupts itself when that is not wanted any more. It ends when what it cut short has ended. */
export const attempt = <A, E>(action: Effect.Effect<A, E>, options: AttemptOptions<E>): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkChild(action, { startImmediately: true }), (fiber) => {
      const exit = fiber.pollUnsafe()
      return exit ?? Effect.onExit(restore(watch(fiber, options)), () => Fiber.interrupt(fiber))
    })
  )

const watch = <A, E>(
  fiber: Fiber.Fiber<A, E>,
  { deadline, late, look, signal }: AttemptOptions<E>
): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    let isLate = false
    const forget = fiber.addObserver(() => signal.raiseLast())
    const timer = deadline === undefined ? undefined : yield* Effect.forkChild(
      Effect.map(Effect.sleep(deadline), () => {
        isLate = true
        signal.raise()
      }),
      { startImmediately: true }
    )
    return yield* Effect.onExit(
      Effect.gen(function*() {
        while (true) {
          yield* signal.take
          const ended = fiber.pollUnsafe()
          if (ended !== undefined) return yield* ended
          if (isLate && deadline !== undefined) return yield* Effect.fail(late(deadline))
          // It may have ended meanwhile, and then counts.
          if (!(yield* look)) return yield* fiber.pollUnsafe() ?? Effect.interrupt
        }
      }),
      () => {
        forget()
        return timer === undefined ? Effect.void : Fiber.interrupt(timer)
      }
    )
  })

/** `Effect.timeoutOrElse`, without a timer for what is done at once. */
export const within = <A, E, E2>(
  effect: Effect.Effect<A, E>,
  duration: Duration.Duration,
  orElse: () => Effect.Effect<A, E2>
): Effect.Effect<A, E | E2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(effect, { startImmediately: true }),
      (fiber): Effect.Effect<A, E | E2> =>
        fiber.pollUnsafe() ?? restore(Effect.timeoutOrElse(
          Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber)),
          { duration, orElse }
        ))
    )
  )
