/**
 * Whether a container is paused, of which engines do not always tell the truth.
 *
 * Docker learns of each pause twice: by doing it, and from containerd, for which it may have to wait until the container was resumed
 * again. It takes what comes late for new: it tells that the container was paused and resumed once more, and says so to who asks
 * in between. So only what a command did is told when the engine has answered it. Whatever else contradicts what was told last is
 * a reason to look at the container when that is over.
 */
import { Effect, Result, type Scope } from "effect"
import { type EngineError, isAway } from "../../docker/EngineError.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

/** How long an engine may be wrong. Docker was for up to 0.06 s, on a machine that was busy. */
export const settlesAfter = "200 millis"

export class PauseState {
  #paused: boolean
  /** How often a command was begun, or answered. */
  #commands = 0
  /** How often something was heard. */
  #hints = 0
  #isDoubted = false
  readonly #scope: Scope.Scope
  readonly #look: Effect.Effect<boolean, VirtualizerError>
  readonly #tell: (paused: boolean) => void

  /** `look` asks the engine whether it is paused, also later, until the scope closes. `tell` is called at each change. */
  constructor(
    paused: boolean,
    scope: Scope.Scope,
    look: Effect.Effect<boolean, VirtualizerError>,
    tell: (paused: boolean) => void
  ) {
    this.#paused = paused
    this.#scope = scope
    this.#look = look
    this.#tell = tell
  }

  /** Whether it is paused, as was told last. */
  get paused(): boolean {
    return this.#paused
  }

  /** Whether it is paused. Asks the engine, and once more later if it contradicts what was told. Fails as the look does. */
  get settled(): Effect.Effect<boolean, VirtualizerError> {
    return Effect.flatMap(
      this.#look,
      (paused) => paused === this.#paused ? Effect.succeed(paused) : Effect.delay(this.#look, settlesAfter)
    )
  }

  /** The engine says so. If that is new, it is told when it has lasted. */
  heard(paused: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#hints++
      if (paused === this.#paused || this.#isDoubted) return Effect.void
      this.#isDoubted = true
      return Effect.asVoid(Effect.forkIn(this.#settle, this.#scope, { startImmediately: true }))
    })
  }

  /** Looks until nothing comes between. While the engine can not be asked there is nothing to tell. */
  get #settle(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      while (true) {
        const before = this.#commands + this.#hints
        const looked = yield* Effect.result(Effect.delay(this.#look, settlesAfter))
        if (Result.isFailure(looked) || this.#commands + this.#hints !== before) continue
        this.#isDoubted = false
        return this.#change(looked.success)
      }
    })
  }

  /**
   * Makes it so: asks the engine to, which may refuse since it is so already, and may be wrong about that. Fails as the look does,
   * and with what the engine says when it refuses and it is not so. May be interrupted; the engine may do it all the same, which is
   * then heard.
   */
  set(paused: boolean, ask: Effect.Effect<void, EngineError>): Effect.Effect<void, VirtualizerError> {
    const attempt = Effect.gen({ self: this }, function*() {
      const begun = ++this.#commands
      const answer = yield* Effect.result(ask)
      const isAlone = begun === this.#commands++
      if (Result.isFailure(answer)) return answer.failure
      // Of several at once, nobody knows which the engine did last.
      if (isAlone) this.#change(paused)
      else yield* this.heard(paused)
      return undefined
    })
    return Effect.gen({ self: this }, function*() {
      const first = yield* attempt
      if (first === undefined) return
      if (isAway(first)) return yield* Effect.fail(EngineTrouble.failure(first))
      if ((yield* this.#look) === paused && this.#paused === paused) return
      yield* Effect.sleep(settlesAfter)
      const second = yield* attempt
      if (second === undefined || (yield* this.#look) === paused) return
      return yield* Effect.fail(EngineTrouble.failure(second))
    })
  }

  #change(paused: boolean): void {
    if (paused === this.#paused) return
    this.#paused = paused
    this.#tell(paused)
  }
}
