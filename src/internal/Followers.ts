/**
 * Who is told what happens to something, and how it ended. Nobody costs nothing, and no fiber waits for any of it.
 */
import { Effect, Scope } from "effect"

/** Who is told, in the very act. */
interface Follower<Event, End> {
  readonly onEvent: (event: Event) => void
  readonly onEnded: (end: End) => void
}

export class Followers<Event, End> {
  #all: ReadonlyArray<Follower<Event, End>> | undefined
  #end: End | undefined

  /** How it ended; absent until it has. */
  get end(): End | undefined {
    return this.#end
  }

  /** Tells a follower what happens from now on, until the scope closes. Who comes after the end is told that at once. */
  follow(follower: Follower<Event, End>): Effect.Effect<void, never, Scope.Scope> {
    // By the scope itself: what is acquired and released keeps the whole context of its caller, and there are many of these.
    return Effect.uninterruptible(Effect.flatMap(Effect.scope, (scope) => {
      if (this.#end === undefined) this.#all = this.#all === undefined ? [follower] : [...this.#all, follower]
      else follower.onEnded(this.#end)
      return Scope.addFinalizer(scope, Effect.sync(() => this.#leave(follower)))
    }))
  }

  #leave(follower: Follower<Event, End>): void {
    this.#all = this.#all?.filter((one) => one !== follower)
  }

  /** Something happened. */
  tell(event: Event): void {
    for (const follower of this.#all ?? []) follower.onEvent(event)
  }

  /** It ended. Only the first end counts. */
  finish(end: End): void {
    if (this.#end !== undefined) return
    const all = this.#all ?? []
    this.#all = undefined
    this.#end = end
    for (const follower of all) follower.onEnded(end)
  }

  /** Nobody is told anything any more. */
  clear(): void {
    this.#all = undefined
  }
}
