/**
 * A scheduler that knows when all that an act set off has come to rest.
 *
 * What a task schedules belongs to the act that the task belongs to: the fibers that it resumes, those that they fork, and so
 * on. What comes from outside of the scheduler, such as the answer of a socket, belongs to no act.
 */
import { Effect, type Scheduler } from "effect"

/** What one act set off. */
interface Ripple {
  /** How many of its tasks have not run yet. */
  pending: number
  atRest: () => void
}

const nothing = (): void => {}

export class Settling {
  /** Runs tasks as the parent does. Only what runs on it is waited for. */
  readonly scheduler: Scheduler.Scheduler
  /** What the task that runs now belongs to. */
  private current: Ripple | undefined = undefined
  /** What is waited for. */
  private awaited: Ripple | undefined = undefined

  constructor(parent: Scheduler.Scheduler) {
    this.scheduler = {
      executionMode: parent.executionMode,
      shouldYield: (fiber) => parent.shouldYield(fiber),
      makeDispatcher: () => {
        const dispatcher = parent.makeDispatcher()
        return {
          scheduleTask: (task, priority) => dispatcher.scheduleTask(this.owned(task), priority),
          flush: () => dispatcher.flush()
        }
      }
    }
  }

  /**
   * Acts, and waits until all that came of it is at rest, or {@link Settling.giveUp} is called. Interruption ends the waiting
   * only. One act is waited for at a time.
   */
  settle(act: () => void): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const ripple: Ripple = { pending: 0, atRest: nothing }
      this.within(ripple, act)
      if (ripple.pending === 0) return resume(Effect.void)
      const stop = (): void => {
        ripple.atRest = nothing
        this.awaited = undefined
      }
      this.awaited = ripple
      ripple.atRest = () => {
        stop()
        resume(Effect.void)
      }
      return Effect.sync(stop)
    })
  }

  /** Whether something is waited for. */
  get isWaiting(): boolean {
    return this.awaited !== undefined
  }

  /** Waits no longer for what has not come to rest yet. */
  giveUp(): void {
    this.awaited?.atRest()
  }

  private owned(task: () => void): () => void {
    const ripple = this.current
    if (ripple === undefined) return task
    ripple.pending++
    return () => {
      try {
        this.within(ripple, task)
      } finally {
        if (--ripple.pending === 0) ripple.atRest()
      }
    }
  }

  private within(ripple: Ripple, task: () => void): void {
    const outer = this.current
    this.current = ripple
    try {
      task()
    } finally {
      this.current = outer
    }
  }
}
