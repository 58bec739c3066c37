/**
 * A clock for tests that stands still until it is told to move, for programs with many sleepers.
 *
 * It keeps the contract of `TestClock` of `effect/testing`, and takes its place anywhere: {@link adjust} and {@link setTime}
 * wake who is due, in the order of time and at one time in the order in which the sleeps began, each at the very moment it
 * slept for. Before the next one is woken, all comes to rest that the last one set off, so that a sleep that begins on the
 * way is woken on the way. Where `TestClock` keeps a sorted list, this clock keeps a heap, so that a sleep among n others
 * costs log n steps in place of n.
 *
 * What it does not take over: a sleeper that is interrupted takes no warning of other sleepers along; and how many turns a
 * fiber gets that was forked right before a move is only the same where a few are enough for it to come to rest.
 */
import { Clock, Console, Context, Duration, Effect, Fiber, Layer, Scheduler, type Scope, Semaphore } from "effect"
import { Settling } from "./Settling.ts"
import { Sleepers } from "./Sleepers.ts"

export interface Options {
  /**
   * How long, in real time, a clock that nobody moves lets its sleepers wait before a warning, and how long it waits for one
   * that it woke to come to rest. Default one second.
   */
  readonly warningDelay?: Duration.Input
}

/** How a test moves time. A `TestClock` has the same. */
export interface Controls {
  /**
   * Moves time on by a duration and returns when all who were due have been woken and have come to rest. A negative one sets
   * it back, and wakes nobody. One who does not come to rest is not waited for any longer after the warning.
   *
   * Interrupted, it leaves time where it has come to, and the rest of the sleepers asleep.
   */
  adjust(duration: Duration.Input): Effect.Effect<void>
  /** Moves time to this many milliseconds since the beginning of 1970, as {@link Controls.adjust} does. */
  setTime(timeMillis: number): Effect.Effect<void>
  /** Runs an effect on the clock that is behind this one: the real one. */
  withLive<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>
}

/** A clock that stands still until it is told to move. It begins at 0. */
export interface VirtualClock extends Clock.Clock, Controls {
  /** How many sleep. */
  readonly sleepers: number
}

const isControlled = (clock: Clock.Clock): clock is Clock.Clock & Controls => "adjust" in clock && "withLive" in clock

/** The real clock, also behind another clock for tests. */
const realClock = Clock.clockWith((clock) =>
  isControlled(clock) ? clock.withLive(Clock.clockWith(Effect.succeed)) : Effect.succeed(clock)
)

/** The console at hand, or the real one where that is one for tests, which nobody sees what is written to. */
const seenConsole = Effect.map(
  Console.Console,
  (console) => "logLines" in console ? Console.Console.defaultValue() : console
)

const idleWarning = "A program sleeps on a virtual clock that nobody moves, and may wait for ever. Move it with " +
  "VirtualClock.adjust or VirtualClock.setTime."

const busyWarning = "What the virtual clock woke does not come to rest, and is not waited for any longer. What it " +
  "sleeps for from now on may begin too late."

/** What the time is, in each of the ways to ask. */
class Time {
  millis = 0
  wallNanos = 0n
  monotonicNanos = 0n

  /** Goes to a time. The monotonic time never goes back, and neither it nor nanoseconds know of infinity. */
  moveTo(millis: number): void {
    const passed = millis - this.millis
    if (passed > 0 && Number.isFinite(passed)) this.monotonicNanos += BigInt(Math.round(passed * 1e6))
    if (Number.isFinite(millis)) {
      const whole = Math.floor(millis)
      this.wallNanos = BigInt(whole) * 1_000_000n + BigInt(Math.floor((millis - whole) * 1e6))
    }
    this.millis = millis
  }
}

/** Where time goes to. `nanos` is by how much, exactly, where that is known: milliseconds alone would be rounded. */
interface Move {
  readonly toMillis: number
  readonly nanos?: bigint
}

class Virtual implements VirtualClock {
  private readonly time = new Time()
  private readonly sleeping = new Sleepers<(effect: Effect.Effect<void>) => void>()
  private readonly moving = Semaphore.makeUnsafe(1)
  private readonly settling: Settling
  private readonly live: Clock.Clock
  private readonly console: Console.Console
  private readonly scope: Scope.Scope
  private readonly warningDelay: Duration.Input
  /** How many have been woken. */
  private woken = 0
  /** Waits to warn of a clock that nobody moves. `never` once somebody did. */
  private idle: Fiber.Fiber<void> | "never" | undefined = undefined

  constructor(options: {
    readonly settling: Settling
    readonly live: Clock.Clock
    readonly console: Console.Console
    readonly scope: Scope.Scope
    readonly warningDelay: Duration.Input
  }) {
    this.settling = options.settling
    this.live = options.live
    this.console = options.console
    this.scope = options.scope
    this.warningDelay = options.warningDelay
  }

  currentTimeMillisUnsafe(): number {
    return this.time.millis
  }
  readonly currentTimeMillis = Effect.sync(() => this.time.millis)

  currentTimeNanosUnsafe(): bigint {
    return this.time.wallNanos
  }
  readonly currentTimeNanos = Effect.sync(() => this.time.wallNanos)

  monotonicTimeNanosUnsafe(): bigint {
    return this.time.monotonicNanos
  }
  readonly monotonicTimeNanos = Effect.sync(() => this.time.monotonicNanos)

  get sleepers(): number {
    return this.sleeping.size
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.suspend(() => {
      const atMillis = this.time.millis + Duration.toMillis(duration)
      if (atMillis <= this.time.millis) return Effect.void
      const asleep = Effect.callback<void>((resume) => {
        const sleeper = this.sleeping.add(atMillis, resume)
        return Effect.sync(() => this.sleeping.remove(sleeper))
      })
      return this.idle === undefined ? Effect.andThen(this.watch, asleep) : asleep
    })
  }

  adjust(duration: Duration.Input): Effect.Effect<void> {
    const by = Duration.fromInputUnsafe(duration)
    const millis = Duration.toMillis(by)
    return this.move(() => ({
      toMillis: this.time.millis + millis,
      ...Number.isFinite(millis) && { nanos: Duration.toNanosUnsafe(by) }
    }))
  }

  setTime(timeMillis: number): Effect.Effect<void> {
    return this.move(() => ({ toMillis: timeMillis }))
  }

  withLive<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.provideService(effect, Clock.Clock, this.live)
  }

  private move(where: () => Move): Effect.Effect<void> {
    return Effect.andThen(this.unwatch, this.moving.withPermit(this.travel(where)))
  }

  private readonly travel = Effect.fnUntraced({ self: this }, function*(where: () => Move) {
    // Who was forked right before this shall have begun to sleep.
    yield* Effect.yieldNow
    yield* Effect.yieldNow
    const { monotonicNanos, wallNanos } = this.time
    const { nanos, toMillis } = where()
    if (this.nextDue(toMillis) !== undefined) {
      yield* Effect.acquireUseRelease(
        Effect.forkChild(this.hurry, { startImmediately: true }),
        () => this.wakeUntil(toMillis),
        Fiber.interrupt
      )
    }
    this.time.moveTo(toMillis)
    if (nanos === undefined || !Number.isFinite(toMillis)) return
    this.time.wallNanos = wallNanos + nanos
    if (nanos > 0n) this.time.monotonicNanos = monotonicNanos + nanos
  })

  /** When the next one wakes who is due by then. */
  private nextDue(toMillis: number): number | undefined {
    const { nextMillis } = this.sleeping
    return nextMillis !== undefined && nextMillis <= toMillis ? nextMillis : undefined
  }

  private readonly wakeUntil = Effect.fnUntraced({ self: this }, function*(toMillis: number) {
    let atMillis = this.nextDue(toMillis)
    while (atMillis !== undefined) {
      this.time.moveTo(atMillis)
      const wake = this.sleeping.pop()
      this.woken++
      yield* this.settling.settle(() => wake?.(Effect.void))
      yield* Effect.yieldNow
      atMillis = this.nextDue(toMillis)
    }
  })

  /** Warns of what was woken and does not come to rest, and has it waited for no longer, for as long as time moves. */
  private readonly hurry = Effect.gen({ self: this }, function*() {
    while (true) {
      const { woken } = this
      yield* this.live.sleep(Duration.fromInputUnsafe(this.warningDelay))
      if (this.woken !== woken || !this.settling.isWaiting) continue
      yield* this.withLive(this.warn(busyWarning))
      this.settling.giveUp()
    }
  })

  private warn(message: string): Effect.Effect<void> {
    return Effect.provideService(Effect.logWarning(message), Console.Console, this.console)
  }

  /** Begins to watch whether somebody moves the clock. */
  private readonly watch = Effect.suspend(() =>
    Effect.sleep(this.warningDelay).pipe(
      Effect.andThen(Effect.suspend(() => {
        this.idle = this.sleeping.size === 0 ? undefined : "never"
        return this.sleeping.size === 0 ? Effect.void : this.warn(idleWarning)
      })),
      (watching) => this.withLive(watching),
      Effect.forkIn(this.scope),
      Effect.map((fiber) => {
        this.idle = fiber
      })
    )
  )

  /** Somebody moves the clock. */
  private readonly unwatch = Effect.suspend(() => {
    const { idle } = this
    this.idle = "never"
    return idle === undefined || idle === "never" ? Effect.void : Fiber.interrupt(idle)
  })
}

const makeWithScheduler = Effect.fnUntraced(function*({ warningDelay = "1 second" }: Options) {
  const settling = new Settling(yield* Scheduler.Scheduler)
  const clock: VirtualClock = new Virtual({
    settling,
    live: yield* realClock,
    console: yield* seenConsole,
    scope: yield* Effect.scope,
    warningDelay
  })
  return { clock, scheduler: settling.scheduler }
})

/**
 * A clock of its own. By itself it does not know what those that it wakes set off, and lets each of them take one turn only:
 * where what is woken forks fibers or goes through several hands, use {@link layer}.
 */
export const make = (options: Options = {}): Effect.Effect<VirtualClock, never, Scope.Scope> =>
  Effect.map(makeWithScheduler(options), ({ clock }) => clock)

/**
 * Takes the place of the clock, and of the scheduler, so that the clock knows when what it woke has come to rest. What waits for
 * something real, such as a socket, counts as being at rest. Each program that it is provided to has a clock of its own if it
 * is provided with `{ local: true }`.
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.map(makeWithScheduler(options), ({ clock, scheduler }) =>
      Context.make(Clock.Clock, clock).pipe(Context.add(Scheduler.Scheduler, scheduler)))
  )

/** The clock at hand, if it can be moved. */
const controlled = <A, E, R>(f: (controls: Controls) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Clock.clockWith((clock) =>
    isControlled(clock)
      ? f(clock)
      : Effect.die(new Error("the clock at hand moves by itself: provide VirtualClock.layer() to what is tested"))
  )

/** Moves the clock at hand on: see {@link Controls.adjust}. Moves a `TestClock` too. Dies of a clock that moves by itself. */
export const adjust = (duration: Duration.Input): Effect.Effect<void> =>
  controlled((controls) => controls.adjust(duration))

/** Sets the clock at hand: see {@link Controls.setTime}. Sets a `TestClock` too. Dies of a clock that moves by itself. */
export const setTime = (timeMillis: number): Effect.Effect<void> =>
  controlled((controls) => controls.setTime(timeMillis))

/** Runs an effect on the real clock. Does so behind a `TestClock` too. Dies where the clock at hand is the real one. */
export const withLive = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  controlled((controls) => controls.withLive(effect))
