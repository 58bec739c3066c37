/**
 * What the parts of a launcher share.
 */
import { Cause, type Context, type Deferred, Effect, Exit, Fiber, type Scope, type Semaphore } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { UnreadableRecord } from "../domain/NodeStatus.ts"
import type { Guest, Virtualizer, Virtualizers } from "../Virtualizer.ts"
import { Instance } from "./Instance.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import type { InstanceStore } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import { fail, LauncherClosed, type LauncherError } from "./LauncherError.ts"
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
  /**
   * The ids without a record that somebody adopts or destroys what is left of: none may be started meanwhile. Each completes when
   * that is done.
   */
  readonly handling: Map<InstanceId, Deferred.Deferred<void>>
  /** The records that could not be read, by where they are now. */
  readonly unreadable: Map<string, UnreadableRecord>
  /** Where the instances' scopes are forked from. */
  readonly scopes: Scope.Scope
  /** Runs something until it ends, or the launcher closes. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
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

/** Does something that does not outlive the launcher: then it fails with `LauncherClosed`. Interruption interrupts it, and waits for it. */
export const whileOpen = <A>(
  node: LauncherNode,
  effect: Effect.Effect<A, LauncherError>
): Effect.Effect<A, LauncherError> =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.uninterruptibleMask((restore) => {
      const fiber = node.run(Effect.provideContext(effect, context))
      return restore(Fiber.await(fiber)).pipe(
        Effect.onInterrupt(() => Fiber.interrupt(fiber)),
        Effect.flatMap((exit) =>
          Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && node.isClosed()
            ? Effect.fail(fail(new LauncherClosed()))
            : exit
        )
      )
    })
  )
