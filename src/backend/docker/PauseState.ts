/**
 * Whether a container is paused, of which engines do not always tell the truth.
 *
 * Docker learns of each pause twice: by doing it, and from containerd, for which it may have to wait until the container was resumed
 * again. It takes what comes late for new: it tells that the container was paused and resumed once more, and says so to who asks
 * in between. So an event that contradicts a change just before it is not believed; the container is looked at when that is over.
 */
import { Clock, Effect } from "effect"
import { type EngineError, isAway } from "../../docker/EngineError.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

/** How soon after a change another is doubted. Docker's late ones came within 0.1 s. */
const doubtNanos = 1_000_000_000n

/** How long after a doubtful event the container is looked at. Docker was wrong for up to 0.06 s. */
export const settlesAfter = "200 millis"

export class PauseState {
  #paused: boolean
  #changedAtNanos: bigint | undefined = undefined
  #isInDoubt = false
  readonly #tell: (paused: boolean) => void

  /** `tell` is called at each change. */
  constructor(paused: boolean, tell: (paused: boolean) => void) {
    this.#paused = paused
    this.#tell = tell
  }

  /** Whether it is paused, as was told last. */
  get paused(): boolean {
    return this.#paused
  }

  /** It is so: the engine has just done it, or nothing was heard for a while before it was looked at. */
  is(paused: boolean): Effect.Effect<void> {
    return Effect.map(Clock.monotonicTimeNanos, (nowNanos) => this.#change(paused, nowNanos))
  }

  /** An event says so. Answers whether the container is to be looked at when {@link settlesAfter} has passed. */
  heard(paused: boolean): Effect.Effect<boolean> {
    return Effect.map(Clock.monotonicTimeNanos, (nowNanos) => {
      if (paused === this.#paused || this.#isInDoubt) return false
      this.#isInDoubt = this.#hasJustChanged(nowNanos)
      if (!this.#isInDoubt) this.#change(paused, nowNanos)
      return this.#isInDoubt
    })
  }

  /**
   * Makes it so by asking the engine, which may refuse since it is so already, and may be wrong about that for a moment. `look` tells
   * whether it is paused. Fails as that does, and with what the engine says when it refuses and it is not so.
   */
  make(
    paused: boolean,
    ask: Effect.Effect<void, EngineError>,
    look: Effect.Effect<boolean, VirtualizerError>
  ): Effect.Effect<void, VirtualizerError> {
    /** Answers why it is not so. */
    const attempt = Effect.matchEffect(ask, {
      onSuccess: () => Effect.as(this.is(paused), undefined),
      onFailure: (error) =>
        isAway(error)
          ? Effect.fail(EngineTrouble.failure(error))
          : Effect.map(look, (isPaused) => isPaused === paused ? undefined : error)
    })
    return Effect.gen(function*() {
      if ((yield* attempt) === undefined) return
      yield* Effect.sleep(settlesAfter)
      const refused = yield* attempt
      if (refused !== undefined) return yield* Effect.fail(EngineTrouble.failure(refused))
    })
  }

  /** Whether it is paused, where the engine says so when it is asked. */
  given(said: boolean): Effect.Effect<boolean> {
    return Effect.map(Clock.monotonicTimeNanos, (nowNanos) => this.#hasJustChanged(nowNanos) ? this.#paused : said)
  }

  #hasJustChanged(nowNanos: bigint): boolean {
    return this.#changedAtNanos !== undefined && nowNanos - this.#changedAtNanos < doubtNanos
  }

  #change(paused: boolean, nowNanos: bigint): void {
    this.#isInDoubt = false
    if (paused === this.#paused) return
    this.#paused = paused
    this.#changedAtNanos = nowNanos
    this.#tell(paused)
  }
}
