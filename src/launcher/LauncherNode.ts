/**
 * What the parts of a launcher share.
 */
import type { Effect, Scope, Semaphore } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { Guest, Virtualizer, Virtualizers } from "../Virtualizer.ts"
import { Instance } from "./Instance.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import type { InstanceStore } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import type { NodeState } from "./NodeState.ts"
import type { Registry } from "./Registry.ts"
import type { Sampler } from "./Sampler.ts"
import type { Situation } from "./Situation.ts"
import type { Surroundings } from "./Surroundings.ts"
import type { Telemetry } from "./Telemetry.ts"

export interface LauncherNode {
  readonly config: LauncherConfig
  readonly store: InstanceStore["Service"]
  readonly virtualizers: Virtualizers["Service"]
  readonly registry: Registry
  /** What every instance works with. */
  readonly around: Surroundings
  readonly state: NodeState
  readonly sampler: Sampler
  readonly telemetry: Telemetry
  /** Held while it is decided which instances there are. */
  readonly admitting: Semaphore.Semaphore
  /** The ids without a record that somebody adopts or destroys what is left of: none may be started meanwhile. */
  readonly handling: Set<InstanceId>
  /** Where the instances' scopes are forked from. */
  readonly scopes: Scope.Scope
  /** Runs something until it ends, or the launcher closes. */
  readonly run: (effect: Effect.Effect<void>) => void
  readonly isClosed: () => boolean
}

/** An instance is known from now on. Its loop is to be run. */
export const enter = (
  { around, registry }: LauncherNode,
  options: {
    readonly situation: Situation
    readonly saved: InstanceRecord | undefined
    readonly guest: Guest
    /** Absent where this node does not have it any more. */
    readonly virtualizer: Virtualizer | undefined
  }
): Instance => {
  const { guest, saved, situation, virtualizer } = options
  const abilities = virtualizer?.capabilities ?? { pause: false, liveVolumes: false }
  const instance = new Instance({ situation, saved, guest, abilities, around })
  registry.enter(instance)
  return instance
}
