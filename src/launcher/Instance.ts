/**
 * One instance: a loop in a fiber of its own. It takes commands in, durably, and takes one step after the other towards
 * what is desired. It is the only writer of its record, and the only one who acts on its guest.
 */
import { Cause, Deferred, Effect, Exit, Result, Scope } from "effect"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { Guest, Monitor } from "../Virtualizer.ts"
import { Callers } from "./Callers.ts"
import { decide, isWanted, type Step } from "./Decision.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import { InstanceClaims } from "./InstanceClaims.ts"
import { fail, type LauncherError, type StateFailure } from "./LauncherError.ts"
import * as Learning from "./Learning.ts"
import { Publication } from "./Publication.ts"
import { RecordKeeper } from "./RecordKeeper.ts"
import { Signal } from "./Signal.ts"
import type { Situation } from "./Situation.ts"
import type { Usage } from "./Statistics.ts"
import { defect, perform, phaseOf } from "./Step.ts"
import { type StepTelemetryOptions, told, toldWriting } from "./StepTelemetry.ts"
import type { Surroundings } from "./Surroundings.ts"
import type { End, Waiter, Waiters } from "./Waiters.ts"
import { Watching } from "./Watching.ts"
import { type Abilities, isPower, type Part, supersedes, wish } from "./Wish.ts"

export class Instance {
  situation: Situation
  readonly guest: Guest
  private readonly abilities: Abilities
  private readonly around: Surroundings
  private readonly signal = new Signal()
  private readonly keeper: RecordKeeper
  readonly callers: Callers
  private readonly waiters: Waiters
  private readonly watching: Watching
  private readonly claims: InstanceClaims
  private readonly publication = new Publication()
  /** Completes when what a launcher found of it has been looked at, and taken hold of where it could be. */
  readonly adopted = Deferred.makeUnsafe<void>()

  constructor(options: {
    readonly situation: Situation
    readonly saved: InstanceRecord | undefined
    readonly guest: Guest
    readonly abilities: Abilities
    readonly around: Surroundings
  }) {
    this.situation = options.situation
    this.keeper = new RecordKeeper(options.saved, options.around)
    this.watching = new Watching(options.saved !== undefined, this.signal, options.around.telemetry)
    this.guest = options.guest
    this.claims = new InstanceClaims(options.situation, options.around)
    this.callers = new Callers(this.id, options.around.config, this.signal)
    this.waiters = this.callers.waiters
    this.abilities = options.abilities
    this.around = options.around
  }

  private get record(): InstanceRecord {
    return this.situation.record
  }

  get id() {
    return this.record.id
  }

  /** What its guest used when that was asked last. */
  usage: Usage | undefined = undefined

  get spec() {
    return this.record.spec
  }

  /** As it was shown last; absent where nobody was told of it. */
  get published(): InstanceInfo | undefined {
    return this.publication.info
  }

  /** As it is shown to those who know of it. */
  get info(): InstanceInfo {
    return this.publication.show(this.record)
  }

  /**
   * Runs the instance until it is gone, then closes its scope. Interruption detaches from the guest, which runs on.
   */
  loop(scope: Scope.Closeable): Effect.Effect<void> {
    return this.steps(scope).pipe(
      Effect.onExit((exit) => Scope.close(scope, exit)),
      Effect.onExit((exit) => Effect.sync(() => this.finish(Exit.isSuccess(exit) ? exit.value : "closed"))),
      Effect.tapCauseIf(Cause.hasDies, (cause) => Effect.logError(`instance ${this.id}: its loop died`, cause)),
      Effect.asVoid
    )
  }

  private steps(scope: Scope.Scope): Effect.Effect<End> {
    const self = this
    return Effect.gen(function*() {
      while (true) {
        yield* self.absorb(undefined)
        if (self.keeper.saved === undefined) {
          if (!self.keeper.isInDoubt || (yield* self.keeper.remove(self.id))) return "never"
          yield* self.retry
          continue
        }
        if (self.keeper.mustSave(self.record)) yield* Effect.result(self.save(self.record))
        if (self.situation.observed._tag !== "Running") yield* self.watching.release
        self.situation = self.claims.settle(self.situation)
        const step = decide(self.situation, self.around.nowMillis())
        self.publish(step)
        yield* Effect.uninterruptible(self.settle(step))
        if (step._tag !== "Probe" && step._tag !== "Watch") Deferred.doneUnsafe(self.adopted, Exit.void)
        if (step._tag === "Forget") {
          const to = self.listeners(self.waiters.spanFor(step))
          if (yield* toldWriting(self.keeper.remove(self.id), to)) return "gone"
          yield* self.retry
        } else if (step._tag === "Idle") {
          yield* self.keeper.isDirty(self.record) ? self.retry : self.signal.take
        } else {
          yield* self.take(step, scope)
        }
      }
    })
  }

  /** Whom a step is told to that is for the command of a span. */
  private listeners(parent: Waiter["span"]): StepTelemetryOptions {
    return { id: this.id, telemetry: this.around.telemetry, nowMillis: this.around.nowMillis, parent }
  }

  /** Answers who can be answered, then writes what they need not wait for, even should they close the launcher at once. */
  private settle(step: Step): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.waiters.settle(this.situation, step)
      const { keeper, record } = this
      return keeper.isDirty(record) && !keeper.mustSave(record) ? Effect.ignore(this.save(record)) : Effect.void
    })
  }

  /** Waits for something to happen, or until it is time to try again to write what could not be written. */
  private get retry(): Effect.Effect<void> {
    return this.signal.takeWithin(this.around.config.recordRetry)
  }

  /** Takes a step, unless it stops leading to what is desired. */
  private take(step: Step, scope: Scope.Scope): Effect.Effect<void> {
    const self = this
    return Effect.gen(function*() {
      const parent = self.waiters.spanFor(step)
      if (step._tag === "Launch" && !(yield* self.arm(step, parent))) return
      const taking = step._tag === "Watch" ? yield* Scope.fork(scope) : undefined
      if (taking !== undefined) self.watching.begin()
      self.claims.begin(step, self.situation)
      let held: Monitor | undefined
      let isStillWanted = true
      const action = perform(step, {
        record: self.situation.record,
        guest: self.guest,
        monitor: self.watching.monitor,
        scope: taking ?? scope,
        follower: (monitor) => self.watching.follower(monitor),
        signal: self.signal,
        look: Effect.map(self.look(step), (is) => isStillWanted = is),
        hold: (monitor) => {
          held = monitor
        }
      }, self.around)
      const outcome = yield* Effect.exit(told(step, action, self.listeners(parent))).pipe(
        // What the step acquired is kept or closed here, and nowhere else.
        Effect.onExit((exit) =>
          taking !== undefined && !(Exit.isSuccess(exit) && Exit.isSuccess(exit.value))
            ? Scope.close(taking, Exit.void)
            : Effect.void
        )
      )
      self.claims.end()
      if (Exit.isFailure(outcome) && !isStillWanted) {
        self.situation = Learning.interrupted(self.situation, step)
      } else if (Exit.isFailure(outcome)) {
        const failure = Result.getOrElse(Cause.findError(outcome.cause), () => defect(step, outcome.cause))
        yield* Effect.logDebug(`instance ${self.id}: ${step._tag}: ${failure.detail}`)
        self.learn(step, self.failed(step, failure))
      } else {
        self.learn(step, Learning.success(self.situation, step, outcome.value, self.moment))
        if (taking !== undefined && held !== undefined) self.watching.hold(held, taking)
        else if (taking !== undefined) yield* Scope.close(taking, Exit.void)
      }
    })
  }

  private get moment(): Learning.Moment {
    return { nowMillis: this.around.nowMillis(), limits: this.around.config }
  }

  private failed(step: Step, failure: Learning.Failure): Learning.Lesson {
    return Learning.failure(this.situation, step, failure, {
      ...this.moment,
      isAwaited: this.waiters.isAwaited(this.situation.record.desired.epoch),
      before: this.waiters.before(step)
    })
  }

  private learn(step: Step, lesson: Learning.Lesson): void {
    this.see(lesson.situation)
    if (lesson.failure !== undefined) this.waiters.fail(step, lesson.failure)
  }

  /** Takes in what was learned. Who waits for a start that its restart policy made another goes on waiting for that. */
  private see(situation: Situation): void {
    const { desired: { epoch } } = this.record
    this.situation = situation
    if (this.record.desired.epoch === epoch) return
    this.waiters.carry(epoch, this.record.desired.epoch)
    this.around.telemetry.restarted()
  }

  /** Takes commands in while a step is under way. Says whether that still leads to what is desired. */
  private look(step: Step): Effect.Effect<boolean> {
    return Effect.flatMap(this.absorb(step), () => {
      if (!isWanted(step, this.situation, this.around.nowMillis())) return Effect.succeed(false)
      this.publish(step)
      return Effect.as(Effect.uninterruptible(this.settle(step)), true)
    })
  }

  /** The boot is on record before there is a guest. Says whether it is. */
  private arm(launch: Step, parent: Waiter["span"]): Effect.Effect<boolean> {
    const self = this
    return Effect.gen(function*() {
      self.watching.launch()
      const { record } = self.situation
      if (record.boot === record.desired.epoch) return true
      const armed = yield* Effect.result(
        Effect.uninterruptible(self.save({ ...record, boot: record.desired.epoch, connectedMillis: null }, parent))
      )
      if (Result.isSuccess(armed)) return true
      const { message: detail } = armed.failure
      const { situation } = self.failed(
        launch,
        { phase: phaseOf(launch), code: "launch_failure", detail, guest: "unchanged" }
      )
      self.learn(launch, { situation, failure: armed.failure })
      return false
    })
  }

  // Commands

  /**
   * Takes in what monitors told and what callers asked for, the rest later once the step in flight is not wanted any more. What
   * is asked for is on disk when it returns. Uninterruptible, so that a step that ends meanwhile does not cut a write in two.
   */
  private absorb(inFlight: Step | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.waiters.resume()
      this.observe()
      return this.waiters.hasNext ? Effect.uninterruptible(this.consult(inFlight)) : Effect.void
    })
  }

  private consult(inFlight: Step | undefined): Effect.Effect<void> {
    const self = this
    return Effect.gen(function*() {
      while (true) {
        if (inFlight !== undefined && !isWanted(inFlight, self.situation, self.around.nowMillis())) return
        const waiter = self.waiters.next()
        if (waiter === undefined) return
        const answer = yield* Effect.exit(self.consider(waiter))
        if (Exit.isFailure(answer)) self.waiters.answer(waiter, answer)
        else if (answer.value === "later") self.waiters.postpone(waiter)
        else if (answer.value === "done") self.waiters.answer(waiter, Exit.void)
        self.observe()
      }
    })
  }

  /** Takes a command in, refuses it, or leaves it for later. */
  private consider(waiter: Waiter): Effect.Effect<"accepted" | "done" | "later", LauncherError> {
    const self = this
    return Effect.gen(function*() {
      const { command } = waiter
      if (command._tag === "Withdraw" && !self.isToUndo(command.start)) return "done"
      const wanted = wish(command, self.situation, self.abilities)
      // Of an instance that was refused nothing is wanted but that it be tried again, and not before what was asked for earlier.
      const isNew = command._tag === "Start" || command._tag === "Create"
      const isRefused = self.keeper.saved === undefined && (!isNew || self.waiters.hasPostponed)
      if (wanted._tag === "Later" || isRefused) return "later"
      if (wanted._tag === "Refuse") return yield* fail(wanted.reason)
      const { observed, record } = self.situation
      const refused = self.claims.take(command, wanted.desired.epoch, record)
      if (refused !== undefined) return yield* fail(refused)
      const beaten = self.waiters.beatenBy(command)
      const desired = isPower(command) ? self.claims.undo(beaten, wanted.desired) : wanted.desired
      const created = record.created || command._tag === "Create"
      if (desired !== record.desired || created !== record.created || !self.keeper.isCertain) {
        const next = { ...record, desired, created }
        // What is taken back is undone all the same, and written as soon as it can be.
        if (command._tag === "Withdraw") self.situation = { observed, record: next }
        const saved = yield* Effect.result(self.save(next, waiter.span))
        self.situation = self.claims.settle(self.situation)
        if (Result.isFailure(saved) && command._tag !== "Withdraw") return yield* fail(saved.failure)
      }
      for (const older of beaten) older.superseded = supersedes(command, older.command)
      if (command._tag === "Resume" && observed._tag === "Running" && observed.held) {
        self.situation = { ...self.situation, observed: { ...observed, held: false } }
      }
      self.waiters.accept(waiter, desired, record.desired)
      return "accepted"
    })
  }

  /** Whether a start that is taken back is still what is desired, and nobody else's. */
  private isToUndo(start: Part): boolean {
    return start.epoch === this.situation.record.desired.epoch && !this.waiters.isShared(start)
  }

  /** Takes in what the monitor told. */
  private observe(): void {
    for (const fact of this.watching.take()) {
      if (fact._tag === "Ended") this.see(Learning.ended(this.situation, fact.ended, this.moment))
      else {
        this.situation = Learning.event(this.situation, fact.event)
        if (fact.event._tag === "Rebooted") this.around.publish(this.id, { _tag: "Rebooted" })
      }
    }
  }

  /** Writes a record. The situation's becomes what was written; when that fails it is as it was. */
  private save(record: InstanceRecord, parent?: Waiter["span"]): Effect.Effect<void, StateFailure> {
    const writing = this.keeper.save(this.claims.note(record))
    return Effect.map(toldWriting(writing, this.listeners(parent)), (saved) => {
      this.situation = { ...this.situation, record: saved }
    })
  }

  /** Tells what is new about it. */
  private publish(step: Step): void {
    this.publication.tell(this.situation, step, this.around.telemetry, (change) => this.around.publish(this.id, change))
  }

  /** Leaves the launcher first, then answers everybody. */
  private finish(end: End): void {
    this.claims.release(end === "closed")
    this.around.telemetry.moved(this.published?.state._tag, undefined)
    this.around.leave(this)
    if (end === "gone") this.around.publish(this.id, { _tag: "Deleted" })
    this.callers.close(end, this.situation)
    Deferred.doneUnsafe(this.adopted, Exit.void)
  }
}
