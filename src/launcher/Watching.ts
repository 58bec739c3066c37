/**
 * The monitor that an instance's loop holds, the scope that it lives in, and what it told that the loop has not taken in yet.
 */
import { Effect, Exit, Scope } from "effect"
import type { Ended, Follower, GuestEvent, Monitor } from "../Virtualizer.ts"
import type { Signal } from "./Signal.ts"
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
