/**
 * One launcher's hold on the simulated host. Whatever that launcher does there passes it; once it is cut, nothing does any more:
 * that is how a launcher dies in the middle of whatever it does.
 *
 * ```ts
 * const fence = new Fence()
 * const virtualizer = SimulationVirtualizer.make(host, fence)
 * // …
 * fence.cut()
 * host.launcherDied()
 * // Its finalizers change nothing any more, and are interrupted.
 * yield* Effect.exit(Scope.close(scopeOfTheLauncher, Exit.void))
 * ```
 */
import { Deferred, Effect } from "effect"

export class Fence {
  #refused = 0
  #isUp = true
  #fall: Deferred.Deferred<never> | undefined

  /** Whether the launcher lives. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** How often something of the dead launcher came here after the cut, and was refused. */
  get refused(): number {
    return this.#refused
  }

  /** The launcher dies, here and now. Doing so again changes nothing. */
  cut(): void {
    this.#isUp = false
    if (this.#fall !== undefined) Deferred.doneUnsafe(this.#fall, Effect.interrupt)
  }

  /** Does something, if the launcher lives: it is looked at and done in one synchronous act. Otherwise this is interrupted. */
  act<A>(f: () => A): Effect.Effect<A> {
    return this.actEffect(() => Effect.succeed(f()))
  }

  /** Like {@link act}, for what answers by an effect. That effect itself is not held to the fence: what it does must be. */
  actEffect<A, E, R>(f: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => this.#isUp ? f() : this.#refuse)
  }

  /**
   * Waits for something of the host, and not a moment longer than the launcher lives: then this is interrupted, even where
   * interruption is held back, as in a finalizer.
   */
  wait<A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return this.actEffect(() => {
      this.#fall ??= Deferred.makeUnsafe()
      return Effect.raceFirst(Effect.interruptible(wait), Effect.interruptible(Deferred.await(this.#fall)))
    })
  }

  get #refuse(): Effect.Effect<never> {
    this.#refused++
    return Effect.interrupt
  }
}
