/**
 * Who waits for an instance: commands that its loop has not considered yet, and callers of those that it has. Every one is
 * answered exactly once.
 */
import { Deferred, Exit } from "effect"
import type { Step } from "./Decision.ts"
import type { Desired } from "./InstanceRecord.ts"
import { fail, LauncherClosed, type LauncherError, type Reason } from "./LauncherError.ts"
import type { Situation } from "./Situation.ts"
import { type Answer, atEnd, concerns, verdict, type Waiting } from "./Verdict.ts"
import { type Command, supersedes } from "./Wish.ts"

/** How an instance's loop ended: its instance is gone, it was never accepted, or the launcher closed. */
export type End = "gone" | "never" | "closed"

/** A caller that waits. */
export interface Waiter extends Waiting {
  /** Success is `false` when the instance was gone before it could consider the command. */
  readonly answer: Deferred.Deferred<boolean, LauncherError>
  /** What was desired before. */
  before: Desired | undefined
  epoch: number
  superseded: Waiting["superseded"]
  failure: Waiting["failure"]
}

export class Waiters {
  private inbox: Array<Waiter> = []
  private accepted: Array<Waiter> = []

  /** Hands a command in. */
  add(command: Command): Waiter {
    const waiter: Waiter = {
      command,
      answer: Deferred.makeUnsafe(),
      before: undefined,
      epoch: 0,
      superseded: undefined,
      failure: undefined
    }
    this.inbox.push(waiter)
    return waiter
  }

  /** Takes the next command out that has not been considered. */
  next(): Waiter | undefined {
    return this.inbox.shift()
  }

  /** Puts commands back that can not be considered yet. */
  postpone(waiters: ReadonlyArray<Waiter>): void {
    this.inbox = [...waiters, ...this.inbox]
  }

  /** From now on the caller waits for what is desired to come about. */
  accept(waiter: Waiter, epoch: number, before: Desired): void {
    waiter.before = before
    waiter.epoch = epoch
    this.accepted.push(waiter)
  }

  /** The caller does not wait any more. Says whether its command was still to be considered, and now never will be. */
  forget(waiter: Waiter): boolean {
    const inTime = this.inbox.includes(waiter)
    this.accepted = this.accepted.filter((one) => one !== waiter)
    this.inbox = this.inbox.filter((one) => one !== waiter)
    return inTime
  }

  /** Whether somebody else waits for a start. Whoever took it back does not. */
  isAwaited(epoch: number, except: unknown): boolean {
    return this.accepted.some((waiter) =>
      waiter !== except && waiter.command._tag === "Start" && waiter.epoch === epoch
    )
  }

  /** Those whose command a newer one takes over from. */
  beatenBy(command: Command): ReadonlyArray<Waiter> {
    return this.accepted.filter((older) => older.superseded === undefined && supersedes(command, older.command))
  }

  /** Tells those who wait for a step that it failed. They hear of it when nothing can change any more. */
  fail(step: Step, reason: Reason): void {
    for (const waiter of this.accepted) if (concerns(step, waiter.command)) waiter.failure ??= reason
  }

  /** Answers at once. */
  answer(waiter: Waiter, answer: Answer): void {
    Deferred.doneUnsafe(waiter.answer, Exit.map(answer, () => true))
  }

  /** Answers who can be answered. Answering runs its caller at once: so first all are taken out, then answered. */
  settle(situation: Situation, step: Step): void {
    if (this.accepted.length === 0) return
    const answers: Array<readonly [Waiter, Answer]> = []
    this.accepted = this.accepted.filter((waiter) => {
      const answer = verdict(waiter, situation, step)
      if (answer !== undefined) answers.push([waiter, answer])
      return answer === undefined
    })
    for (const [waiter, answer] of answers) this.answer(waiter, answer)
  }

  /** Answers everybody. */
  close(end: End, situation: Situation): void {
    const { accepted, inbox } = this
    this.accepted = []
    this.inbox = []
    const closed = Exit.fail(fail(new LauncherClosed()))
    for (const waiter of accepted) this.answer(waiter, end === "closed" ? closed : atEnd(waiter, situation))
    for (const waiter of inbox) Deferred.doneUnsafe(waiter.answer, end === "closed" ? closed : Exit.succeed(false))
  }
}
