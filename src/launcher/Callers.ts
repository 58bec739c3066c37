/**
 * An instance as its callers meet it: they hand in commands and wait for the answers. The other side is the instance's loop.
 */
import { Context, Deferred, Duration, Effect, Option, Tracer } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import { fail, type LauncherError, TimedOut } from "./LauncherError.ts"
import type { Signal } from "./Signal.ts"
import type { Situation } from "./Situation.ts"
import { type End, type Waiter, Waiters } from "./Waiters.ts"
import type { Command } from "./Wish.ts"

export class Callers {
  /** Those who wait: the loop's side. */
  readonly waiters = new Waiters()
  private readonly id: InstanceId
  private readonly config: LauncherConfig
  /** Wakes the loop. */
  private readonly signal: Signal

  constructor(id: InstanceId, config: LauncherConfig, signal: Signal) {
    this.id = id
    this.config = config
    this.signal = signal
  }

  /** Hands a command to the loop. */
  enqueue(command: Command): Effect.Effect<Waiter> {
    return Effect.map(Effect.context(), (context) => {
      const waiter = this.waiters.add(command, Option.getOrUndefined(Context.getOption(context, Tracer.ParentSpan)))
      this.signal.raise()
      return waiter
    })
  }

  /** Waits for the answer to a command. Returns `false` when the instance was gone before it could consider it. */
  answer(waiter: Waiter): Effect.Effect<boolean, LauncherError> {
    return this.await(waiter, this.config.commandDeadline)
  }

  /**
   * Hands a command to the loop and waits for the answer. Interrupting a start takes it back; interrupting any other ends
   * the waiting only.
   */
  submit(command: Command): Effect.Effect<boolean, LauncherError> {
    return Effect.flatMap(
      this.enqueue(command),
      (waiter) => Effect.onInterrupt(this.answer(waiter), () => this.withdraw(waiter))
    )
  }

  private await(waiter: Waiter, deadline: Duration.Duration): Effect.Effect<boolean, LauncherError> {
    // Where nothing takes time it has been answered by now.
    if (Deferred.isDoneUnsafe(waiter.answer)) return Deferred.await(waiter.answer)
    return Effect.timeoutOrElse(Deferred.await(waiter.answer), {
      duration: deadline,
      orElse: () => {
        // What was not considered in time had to wait for a stop.
        const goesOn = this.waiters.forget(waiter) ? "stop" : waiter.command._tag.toLowerCase()
        return Effect.fail(fail(new TimedOut({ id: this.id, goesOn, afterMillis: Duration.toMillis(deadline) })))
      }
    })
  }

  /**
   * The caller does not wait any more. A start is undone, and has been when this returns. What has not been considered
   * yet is as if it had never been asked for, but for a stop or a delete, which stand.
   */
  withdraw(waiter: Waiter): Effect.Effect<void> {
    return Effect.suspend(() => {
      const inTime = this.waiters.forget(waiter)
      this.signal.raise()
      if (inTime || waiter.command._tag !== "Start") return Effect.void
      const { deleteDeadline, stopDeadline } = this.config
      return Effect.flatMap(
        this.enqueue({ _tag: "Withdraw", start: waiter }),
        (withdrawal) => Effect.ignore(this.await(withdrawal, Duration.sum(deleteDeadline, stopDeadline)))
      )
    })
  }

  /** Answers everybody: the loop has ended. */
  close(end: End, situation: Situation): void {
    this.waiters.close(end, situation)
  }
}
