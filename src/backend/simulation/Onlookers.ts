/**
 * Who waits for something to be seen. Nobody costs nothing.
 */
import { Effect } from "effect"

/** Looks again. */
type Onlooker = () => void

export class Onlookers {
  #all: ReadonlyArray<Onlooker> | undefined

  /** Waits until there is something to see, and answers it. Interruptible. */
  wait<A>(look: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const leave = () => {
        const left = this.#all?.filter((one) => one !== onlooker)
        this.#all = left?.length === 0 ? undefined : left
      }
      const onlooker = () => {
        const seen = look()
        if (seen === undefined) return
        // Whoever goes on does so in this act, and may wait again.
        leave()
        resume(Effect.succeed(seen))
      }
      this.#all = [...this.#all ?? [], onlooker]
      onlooker()
      return Effect.sync(leave)
    })
  }

  /** Something has changed: who has something to see now goes on. */
  changed(): void {
    for (const onlooker of this.#all ?? []) {
      if (this.#all?.includes(onlooker) === true) onlooker()
    }
  }
}
