/**
 * What a simulated host decides by chance, when things happen there, and who is told.
 */
import { type Clock, Effect, Queue, type Scope } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { Dice } from "../../internal/Dice.ts"
import * as Fault from "./Fault.ts"
import type { HostOccurrence } from "./HostOccurrence.ts"
import type { Latencies, Latency } from "./Latency.ts"

/** Something that will happen. */
interface Timer {
  readonly atMillis: number
  readonly act: () => void
}

export interface ConditionsOptions {
  readonly seed: string | number
  readonly faults: Fault.Faults
  readonly latencies: Latencies
}

export class Conditions {
  faults: Fault.Faults
  /** How often each fault struck. */
  readonly struck = new Map<Fault.Fault, number>()
  /** What no virtualizer may ever be asked, and was. */
  readonly violations: Array<string> = []
  readonly #clock: Clock.Clock
  readonly #dice: Dice
  readonly #latencies: Latencies
  readonly #listeners: Array<(occurrence: HostOccurrence) => void> = []
  readonly #purposes = new Map<string, Dice>()
  readonly #timers: Queue.Enqueue<Timer>

  constructor(options: ConditionsOptions, clock: Clock.Clock, timers: Queue.Enqueue<Timer>) {
    this.faults = Fault.check(options.faults)
    this.#latencies = options.latencies
    this.#clock = clock
    this.#dice = new Dice(options.seed)
    this.#timers = timers
  }

  get nowMillis(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }

  /** The dice for one purpose. */
  dice(purpose: string): Dice {
    const known = this.#purposes.get(purpose)
    if (known !== undefined) return known
    const dice = this.#dice.for(purpose)
    this.#purposes.set(purpose, dice)
    return dice
  }

  /** Whether something takes time at all. */
  takesTime(latency: Latency): boolean {
    return this.#latencies[latency] !== undefined
  }

  /** How long something takes this time. */
  delayMillis(latency: Latency): number {
    const range = this.#latencies[latency]
    return range === undefined ? 0 : this.dice(`latency ${latency}`).between(...range)
  }

  /** Lets something take its time. */
  lag(latency: Latency): Effect.Effect<void> {
    const millis = this.delayMillis(latency)
    return millis === 0 ? Effect.void : Effect.sleep(millis)
  }

  /** Whether a fault is to strike, now or later. One that can not is not rolled. */
  dooms(fault: Fault.Fault): boolean {
    const probability = this.faults[fault] ?? 0
    return probability > 0 && this.dice(`fault ${fault}`).chance(probability)
  }

  /** A fault strikes. */
  strike(fault: Fault.Fault, id?: InstanceId): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1)
    this.tell({ _tag: "Struck", fault, id })
  }

  /** Whether a fault strikes now. */
  strikes(fault: Fault.Fault, id?: InstanceId): boolean {
    const strikes = this.dooms(fault)
    if (strikes) this.strike(fault, id)
    return strikes
  }

  /** Has a fault strike later, if it still can and there is something to strike. */
  strikeAfter(
    millis: number,
    fault: Fault.Fault,
    machine: { readonly id: InstanceId; readonly isAlive: boolean },
    act: () => void
  ): void {
    this.after(millis, () => {
      if (!machine.isAlive || (this.faults[fault] ?? 0) === 0) return
      this.strike(fault, machine.id)
      act()
    })
  }

  /** Has something happen later; at once, in this very act, where that is now. */
  after(millis: number, act: () => void): void {
    if (millis === 0) return act()
    Queue.offerUnsafe(this.#timers, { atMillis: this.nowMillis + millis, act })
  }

  tell(occurrence: HostOccurrence): void {
    for (const listener of this.#listeners) listener(occurrence)
  }

  observe(listener: (occurrence: HostOccurrence) => void): void {
    this.#listeners.push(listener)
  }

  violate(detail: string, rival?: InstanceId): void {
    this.violations.push(detail)
    this.tell({ _tag: "Violation", detail, rival })
  }
}

/** The conditions of one host. What is to happen later is waited for in the scope. */
export const make = Effect.fnUntraced(function*(
  options: ConditionsOptions
): Effect.fn.Return<Conditions, never, Scope.Scope> {
  const clock = yield* Effect.clockWith(Effect.succeed)
  const timers = yield* Queue.unbounded<Timer>()
  const wait = ({ act, atMillis }: Timer) =>
    Effect.andThen(
      Effect.suspend(() => Effect.sleep(Math.max(0, atMillis - clock.currentTimeMillisUnsafe()))),
      Effect.sync(act)
    )
  yield* Queue.take(timers).pipe(
    Effect.flatMap((timer) => Effect.forkChild(wait(timer), { startImmediately: true })),
    Effect.forever,
    Effect.forkScoped({ startImmediately: true })
  )
  return new Conditions(options, clock, timers)
})
