/**
 * The monitor that an instance's loop holds, the scope that it lives in, and what it told that the loop has not taken in yet.
 */
import { Effect, Exit, Scope } from "effect"
import type { Monitor } from "../Virtualizer.ts"
import type { Fact } from "./Step.ts"
import type { Telemetry } from "./Telemetry.ts"

export class Watching {
  /** Whether a guest that may be there was found, and not launched here, and has not been taken hold of yet. */
  private isFound: boolean
  private readonly telemetry: Telemetry
  /** The monitor that is held. */
  monitor: Monitor | undefined = undefined
  private scope: Scope.Closeable | undefined = undefined
  private facts: Array<{ readonly monitor: Monitor; readonly fact: Fact }> = []

  /** `isFound` says that the instance was found on record. */
  constructor(isFound: boolean, telemetry: Telemetry) {
    this.isFound = isFound
    this.telemetry = telemetry
  }

  /** A guest is about to be launched: none was found. */
  launch(): void {
    this.isFound = false
  }

  /** A monitor is about to be taken. What is left of others, which were not kept, is forgotten. */
  begin(): void {
    this.facts = []
  }

  /** Notes what a monitor told. */
  tell(monitor: Monitor, fact: Fact): void {
    this.facts.push({ monitor, fact })
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
    if (this.monitor === undefined || this.facts.length === 0) return []
    const { facts } = this
    this.facts = []
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
