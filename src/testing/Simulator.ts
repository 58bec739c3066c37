/**
 * Runs a program of many fibers on virtual time, deterministically: the same seed gives the same run, step for step.
 *
 * Effect asks a scheduler when a fiber shall make room for others, and what runs next. This one lets every fiber go on for a
 * small, seeded number of operations, draws who of all that could go on is next, and lets time pass when nobody can. So
 * any order in which things can happen is found by some seed, and between any two steps something else can happen, such as
 * a crash.
 *
 * Everything runs within {@link Simulator.run}, which returns when the program has ended: there is nothing to wait for, and
 * no time passes outside.
 */
import {
  Clock,
  Context,
  Duration,
  Effect,
  Exit,
  type Fiber,
  Metric,
  Random,
  References,
  Scheduler,
  Schema
} from "effect"
import { Dice } from "../internal/Dice.ts"
import { Sleepers } from "./Sleepers.ts"

/** The fewest operations that a fiber needs between two yields to get anywhere. */
export const yieldBudgetLeast = 3

/** How a run comes out. */
export interface SimulatorOptions {
  readonly seed: number | string
  /**
   * The most operations that a fiber goes on for before others may: each time a number from 3 to this is drawn. Few
   * find more, and take longer. Default 5.
   */
  readonly yieldBudget?: number
  /** How many steps may be taken without time passing. Default one million. */
  readonly stepsAtOnceMax?: number
}

/** A program that can not end. */
export class Stuck extends Schema.TaggedError<Stuck>()("Stuck", {
  /** `deadlock`: nobody can go on, and nobody sleeps. `livelock`: steps are taken for ever, and no time passes. */
  how: Schema.Literals(["deadlock", "livelock"]),
  atMillis: Schema.Finite,
  steps: Schema.Int
}) {
  override get message(): string {
    return this.how === "deadlock"
      ? `deadlock at ${this.atMillis} ms, after ${this.steps} steps: nobody can go on, and nobody sleeps`
      : `livelock at ${this.atMillis} ms, after ${this.steps} steps: no time passes any more`
  }
}

/** Counts the fibers that began in its context, or were forked by such, and have not ended; and the sleeps of these. */
export interface Census {
  readonly context: Context.Context<never>
  readonly fibers: number
  readonly sleepers: number
}

type Task = () => void

export class Simulator {
  /** Where a program runs: the scheduler, the clock, seeded numbers. No traces are kept, since nobody reads them. */
  readonly context: Context.Context<never>
  /** How many steps have been taken. */
  steps = 0
  private readonly sleeping: Sleeping = new Sleepers()
  private readonly all: Counter
  private readonly tasks: Array<Task> = []
  private readonly dice: Dice
  private readonly stepsAtOnceMax: number
  private now = 0
  private listener: ((step: number) => void) | undefined = undefined

  constructor({ seed, stepsAtOnceMax = 1_000_000, yieldBudget = 5 }: SimulatorOptions) {
    const dice = new Dice(seed)
    this.dice = dice.for("scheduler")
    this.stepsAtOnceMax = stepsAtOnceMax
    this.all = new Counter(this.sleeping, () => this.now, undefined)
    this.context = Context.merge(this.all.context, Context.make(Random.Random, dice.for("random").random)).pipe(
      Context.add(Scheduler.Scheduler, this.scheduler(Math.max(yieldBudgetLeast, yieldBudget))),
      Context.add(References.TracerEnabled, false)
    )
  }

  /** Counts a part of the program: run that part in its context. */
  census(): Census {
    return new Counter(this.sleeping, () => this.now, this.all)
  }

  /** How many fibers have begun and not ended. */
  get fibers(): number {
    return this.all.fibers
  }

  /** The virtual time, from 0 on. */
  get nowMillis(): number {
    return this.now
  }

  /** How many fibers sleep. */
  get sleepers(): number {
    return this.sleeping.size
  }

  /** How many tasks wait for their turn. */
  get runnable(): number {
    return this.tasks.length
  }

  /** Calls the listener before each step, with its number. There is one listener, and it takes the place of the last. */
  onStep(listener: ((step: number) => void) | undefined): void {
    this.listener = listener
  }

  /**
   * Runs a program until it has ended. What it leaves runnable or asleep stays so, and is counted; a later run goes on with
   * it. Fails with {@link Stuck} when the program can not end.
   */
  run<A, E>(program: Effect.Effect<A, E>): Exit.Exit<A, E | Stuck> {
    return this.pump(Effect.runForkWith(this.context)(program))
  }

  private pump<A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E | Stuck> {
    let stepsAtOnce = 0
    while (true) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      if (this.tasks.length === 0) {
        if (!this.pass()) return this.stuck("deadlock")
        stepsAtOnce = 0
      }
      if (++stepsAtOnce > this.stepsAtOnceMax) return this.stuck("livelock")
      this.step()
    }
  }

  private step(): void {
    this.steps++
    this.listener?.(this.steps)
    const index = this.dice.below(this.tasks.length)
    const last = this.tasks.pop()
    const task = this.tasks[index] ?? last
    if (index < this.tasks.length && last !== undefined) this.tasks[index] = last
    task?.()
  }

  /** Lets time pass until somebody wakes. All who wake at one time can go on in any order. */
  private pass(): boolean {
    const at = this.sleeping.nextMillis
    if (at === undefined || at === Infinity) return false
    this.now = at
    while (this.sleeping.nextMillis === at) {
      const sleeper = this.sleeping.pop()
      if (sleeper === undefined) break
      sleeper.counter.sleepers--
      this.tasks.push(() => sleeper.wake(Effect.void))
    }
    return true
  }

  private stuck<A>(how: Stuck["how"]): Exit.Exit<A, Stuck> {
    return Exit.fail(new Stuck({ how, atMillis: this.now, steps: this.steps }))
  }

  private scheduler(yieldBudget: number): Scheduler.Scheduler {
    const draw = () => this.dice.between(yieldBudgetLeast, yieldBudget)
    let budget = draw()
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => {
        this.tasks.push(task)
      },
      // Nothing runs but in its turn.
      flush: () => {}
    }
    return {
      executionMode: "async",
      shouldYield: ({ currentOpCount }) => {
        if (currentOpCount < budget) return false
        budget = draw()
        return true
      },
      makeDispatcher: () => dispatcher
    }
  }
}

type Sleeping = Sleepers<{ readonly wake: (effect: Effect.Effect<void>) => void; readonly counter: Counter }>

class Counter implements Census {
  readonly context: Context.Context<never>
  fibers = 0
  sleepers = 0
  private readonly sleeping: Sleeping
  private readonly now: () => number

  constructor(sleeping: Sleeping, now: () => number, whole: Counter | undefined) {
    this.sleeping = sleeping
    this.now = now
    this.context = Context.make(Clock.Clock, this.clock()).pipe(
      Context.add(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => {
          this.fibers++
          if (whole !== undefined) whole.fibers++
        },
        recordFiberEnd: () => {
          this.fibers--
          if (whole !== undefined) whole.fibers--
        }
      })
    )
  }

  private clock(): Clock.Clock {
    const millis = this.now
    const nanos = () => BigInt(Math.round(millis() * 1_000_000))
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => {
        const length = Duration.toMillis(duration)
        if (length <= 0) return Effect.yieldNow
        return Effect.callback((resume) => {
          const sleeper = this.sleeping.add(millis() + length, { wake: resume, counter: this })
          this.sleepers++
          return Effect.sync(() => {
            const before = this.sleeping.size
            this.sleeping.remove(sleeper)
            this.sleepers -= before - this.sleeping.size
          })
        })
      }
    }
  }
}

/** A simulator of its own, whose time begins at 0. */
export const make = (options: SimulatorOptions): Simulator => new Simulator(options)
