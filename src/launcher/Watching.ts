/**
 * The monitor that an instance's loop holds, the scope that it lives in, and what it told that the loop has not taken in yet.
 */
import { Effect, Exit, Scope } from "effect"
import type { Ended, Follower, GuestEvent, Monitor } from "../Virtualizer.ts"
import type { Step } from "./Decision.ts"
import type { Signal } from "./Signal.ts"
import type { Situation } from "./Situation.ts"
import type { Telemetry } from "./Telemetry.ts"

/** What a monitor told. */
export type Fact =
  | { readonly _tag: "Ended"; readonly ended: Ended }
  | { readonly _tag: "Event"; readonly event: GuestEvent }

export class Watching {
  /** Whether a guest that may be there was found, and not launched here, and has not been taken hold of yet. */
  private isFound: boolean
  private readonly telemetry: Telemetry
  /** The monitor that is held. */
  monitor: Monitor | undefined = undefined
  private scope: Scope.Closeable | undefined = undefined
  private facts: ReadonlyArray<{ readonly monitor: Monitor; readonly fact: Fact }> | undefined = undefined
  /** Whether the guest began to run, as far as no step explains it. */
  private hasBegun = false
  /** Wakes the loop. */
  private readonly signal: Signal

  /** `isFound` says that the instance was found on record. */
  constructor(isFound: boolean, signal: Signal, telemetry: Telemetry) {
    this.isFound = isFound
    this.signal = signal
    this.telemetry = telemetry
  }

  /** A guest is about to be launched: none was found. */
  launch(): void {
    this.isFound = false
  }

  /** A monitor is about to be taken. What is left of others, which were not kept, is forgotten. */
  begin(): void {
    this.facts = undefined
  }

  /** Who follows a monitor for the loop. */
  follower(monitor: Monitor): Follower {
    return new Noting(this, monitor)
  }

  /** Notes what a monitor told. */
  note(monitor: Monitor, fact: Fact): void {
    this.facts = [...this.facts ?? [], { monitor, fact }]
    this.signal.raise()
  }

  /** From now on this monitor is held. */
  hold(monitor: Monitor, scope: Scope.Closeable): void {
    this.monitor = monitor
    this.scope = scope
    if (this.isFound) this.telemetry.adopted()
    this.isFound = false
  }

  /** The guest began to run, whoever started it. */
  begun(): void {
    this.hasBegun = true
    this.signal.raise()
  }

  /** A step was taken: what began meanwhile was launched, or is watched. */
  tookStep({ _tag }: Step): void {
    if (_tag === "Launch" || _tag === "Watch") this.hasBegun = false
  }

  /**
   * Takes that a guest began, where none is thought to be there and none is being launched. When an end was told just now, that is
   * to be published first: then another time.
   */
  takeBegun({ observed }: Situation, inFlight: Step | undefined, told: ReadonlyArray<Fact>): boolean {
    if (!this.hasBegun || observed._tag !== "Created" || inFlight?._tag === "Launch") return false
    const hasEnded = told.some(({ _tag }) => _tag === "Ended")
    this.hasBegun = hasEnded
    if (hasEnded) this.signal.raise()
    return !hasEnded
  }

  /** Takes what the held monitor told. That of one that is just being taken waits until it is held. */
  take(): ReadonlyArray<Fact> {
    if (this.monitor === undefined || this.facts === undefined) return []
    const { facts } = this
    this.facts = undefined
    return facts.filter(({ monitor }) => monitor === this.monitor).map(({ fact }) => fact)
  }

  /** Lets go of the monitor, and leaves its guest as it is. */
  get release(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { scope } = this
      this.monitor = undefined
      this.scope = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
  }
}

/** Notes what one monitor tells. */
class Noting implements Follower {
  private readonly watching: Watching
  private readonly monitor: Monitor

  constructor(watching: Watching, monitor: Monitor) {
    this.watching = watching
    this.monitor = monitor
  }

  onEvent(event: GuestEvent): void {
    this.watching.note(this.monitor, { _tag: "Event", event })
  }

  onEnded(ended: Ended): void {
    this.watching.note(this.monitor, { _tag: "Ended", ended })
  }
}
