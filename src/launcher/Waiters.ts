/**
 * Who waits for an instance: commands that its loop has not considered yet, and callers of those that it has. Every one is
 * answered exactly once.
 */
import { Deferred, Exit, type Tracer } from "effect"
import type { Step } from "./Decision.ts"
import type { Desired, InstanceRecord } from "./InstanceRecord.ts"
import { fail, LauncherClosed, type LauncherError, type Reason } from "./LauncherError.ts"
import type { Situation } from "./Situation.ts"
import { type Answer, atEnd, concerns, isFor, verdict, type Waiting } from "./Verdict.ts"
import { type Command, isPower, isStart, type Part, supersedes } from "./Wish.ts"

/** How an instance's loop ended: its instance is gone, it was never accepted, or the launcher closed. */
export type End = "gone" | "never" | "closed"

/** A caller that waits. */
export interface Waiter extends Waiting {
  /** Success is `false` when the instance was gone before it could consider the command. */
  readonly answer: Deferred.Deferred<boolean, LauncherError>
  /** The span that it was asked in. */
  readonly span: Tracer.AnySpan | undefined
  /** What was desired before. */
  before: Desired | undefined
  epoch: number
  /** Whether it has a part in the start it waits for: it asked for it, or joined those who waited for it. */
  owns: boolean
  /** Whether it was told that the start it waited for came about. */
  granted: boolean
  superseded: Waiting["superseded"]
  failure: Waiting["failure"]
}

export class Waiters {
  private inbox: Array<Waiter> = []
  private postponed: Array<Waiter> = []
  private accepted: Array<Waiter> = []
  private end: End | undefined = undefined
  /** The start that came about last, and how many were told so. */
  private grantedEpoch = 0
  private grants = 0

  /** Hands a command in. Where everybody has been answered it is too: its caller may have been on the way. */
  add(command: Command, span: Tracer.AnySpan | undefined): Waiter {
    const waiter: Waiter = {
      command,
      answer: Deferred.makeUnsafe(),
      span,
      before: undefined,
      epoch: 0,
      owns: false,
      granted: false,
      superseded: undefined,
      failure: undefined
    }
    if (this.end === undefined) this.inbox.push(waiter)
    else this.dismiss(waiter, this.end)
    return waiter
  }

  /** Whether there is a command that has not been considered. */
  get hasNext(): boolean {
    return this.inbox.length > 0
  }

  /** Takes the next command out that has not been considered. */
  next(): Waiter | undefined {
    return this.inbox.shift()
  }

  /** Keeps a command that can not be considered yet, until {@link resume}. */
  postpone(waiter: Waiter): void {
    this.postponed.push(waiter)
  }

  /** Whether a command waits that was asked for before the next. */
  get hasPostponed(): boolean {
    return this.postponed.length > 0
  }

  /** Takes up again what was postponed. */
  resume(): void {
    if (this.postponed.length === 0) return
    this.inbox = [...this.postponed, ...this.inbox]
    this.postponed = []
  }

  /** From now on the caller waits for what is desired to come about. */
  accept(waiter: Waiter, { epoch }: Desired, before: Desired): void {
    waiter.before = before
    waiter.epoch = epoch
    waiter.owns = isStart(waiter.command) &&
      (epoch !== before.epoch || this.accepted.some((one) => one.owns && one.epoch === epoch))
    this.accepted.push(waiter)
  }

  /**
   * The caller does not wait any more. Says whether its command was still to be considered, and now never will be; a
   * stop or a delete will be all the same.
   */
  forget(waiter: Waiter): boolean {
    const isOther = (one: Waiter) => one !== waiter
    this.accepted = this.accepted.filter(isOther)
    if (isPower(waiter.command)) return false
    const inTime = this.inbox.includes(waiter) || this.postponed.includes(waiter)
    this.inbox = this.inbox.filter(isOther)
    this.postponed = this.postponed.filter(isOther)
    return inTime
  }

  /** Whether somebody waits for a start. */
  isAwaited(epoch: number): boolean {
    return this.accepted.some((one) => isStart(one.command) && one.epoch === epoch)
  }

  /** A start goes on as the next: its restart policy has it so. Who is about to take it back takes back that. */
  carry(from: number, to: number): void {
    const withdrawn = [...this.inbox, ...this.postponed].flatMap(({ command }) =>
      command._tag === "Withdraw" ? [command.start] : []
    )
    for (const part of [...this.accepted, ...withdrawn]) if (part.epoch === from) part.epoch = to
    if (this.grantedEpoch === from) this.grantedEpoch = to
  }

  /** Whether a start that is taken back is still what is desired, and nobody else's. */
  isToUndo(start: Part, { desired }: InstanceRecord): boolean {
    return start.epoch === desired.epoch && !this.isShared(start)
  }

  /**
   * Whether a start that is taken back is not its caller's alone: it joined one that had come about, others wait for it too,
   * or were told that it came about.
   */
  private isShared(start: Part): boolean {
    const granted = start.epoch === this.grantedEpoch ? this.grants - (start.granted ? 1 : 0) : 0
    return !start.owns || granted > 0 ||
      this.accepted.some((one) => one !== start && one.owns && one.epoch === start.epoch)
  }

  /** What was desired before those who wait for a step asked for it. */
  before(step: Step): Desired | undefined {
    return this.accepted.find(({ command }) => concerns(step, command))?.before
  }

  /** The span of the command that a step is for: of those that it may be for, the one that was asked for last. */
  spanFor(step: Step): Tracer.AnySpan | undefined {
    const fits = this.accepted.filter((one) => one.superseded === undefined && one.span !== undefined)
    return (fits.findLast(({ command }) => isFor(step, command)) ?? fits.at(-1))?.span
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
    for (const [waiter, answer] of answers) if (waiter.owns && Exit.isSuccess(answer)) this.grant(waiter)
    for (const [waiter, answer] of answers) this.answer(waiter, answer)
  }

  private grant(start: Waiter): void {
    if (this.grantedEpoch !== start.epoch) this.grants = 0
    this.grantedEpoch = start.epoch
    this.grants++
    start.granted = true
  }

  /** Answers everybody. */
  close(end: End, situation: Situation): void {
    this.end = end
    this.resume()
    const { accepted, inbox } = this
    this.accepted = []
    this.inbox = []
    for (const waiter of accepted) this.answer(waiter, end === "closed" ? closed() : atEnd(waiter, situation))
    for (const waiter of inbox) this.dismiss(waiter, end)
  }

  /** Answers who was not considered. */
  private dismiss(waiter: Waiter, end: End): void {
    Deferred.doneUnsafe(waiter.answer, end === "closed" ? closed() : Exit.succeed(false))
  }
}

const closed = () => Exit.fail(fail(new LauncherClosed()))
