/**
 * "Something changed: look again." One waiter, coalescing, level-triggered. An idle instance holds one of these and nothing
 * else, which is why it is not a queue or a latch: those cost several closures and buffers each.
 */
import { type Duration, Effect } from "effect"

export class Signal {
  private raised = false
  private waiting: ((effect: Effect.Effect<void>) => void) | undefined = undefined

  /** Wakes who waits, or the next to come. */
  raise(): void {
    // Not at once: whoever raises it is in the middle of something.
    this.wake(Effect.yieldNow)
  }

  /** The same, by who has nothing more to do: who waits goes on at once. */
  raiseLast(): void {
    this.wake(Effect.void)
  }

  private wake(how: Effect.Effect<void>): void {
    const { waiting } = this
    if (waiting === undefined) {
      this.raised = true
      return
    }
    this.waiting = undefined
    waiting(how)
  }

  /** Waits until it is raised, and lowers it. Whoever takes it must then look at everything. */
  get take(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.raised) {
        this.raised = false
        return resume(Effect.void)
      }
      this.waiting = resume
      return Effect.sync(() => {
        this.waiting = undefined
        // It may have been raised for us: leave it for the next taker.
        this.raised = true
      })
    })
  }

  /** Waits until it is raised, or for so long. */
  takeWithin(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.raceFirst(this.take, Effect.sleep(duration))
  }
}
