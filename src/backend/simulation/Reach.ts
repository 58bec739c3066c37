/**
 * What one launcher's virtualizer works with, and how its operations are done: in the host's time, behind the launcher's fence, and
 * either whole or not at all.
 */
import { Effect, Exit } from "effect"
import type { Capabilities } from "../../domain/Capabilities.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import type { Fence } from "./Fence.ts"
import type { Latency } from "./Latency.ts"
import type { SimulatedHost } from "./SimulatedHost.ts"

/** A host, as one launcher reaches it. */
export interface Reach {
  readonly host: SimulatedHost
  readonly fence: Fence
  readonly capabilities: Capabilities
}

/** Lets something take its time. */
export const lag = ({ fence, host }: Reach, latency: Latency): Effect.Effect<void> =>
  fence.actEffect(() => host.conditions.lag(latency))

/** One of the operations that a launcher asks for one at a time. The host is told when it begins and when it is over. */
export const operation = <A, E, R>(
  { fence, host }: Reach,
  id: InstanceId,
  name: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    fence.act(() => host.begin(id, name)),
    () => effect,
    (operation) => fence.act(() => host.finish(id, operation))
  )

/** Whether what was under way on an instance counts as done: it succeeded, or was interrupted and is done all the same. */
export const isDone = ({ host }: Reach, id: InstanceId, exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) || (Exit.hasInterrupts(exit) && host.strikes("interruptedButDone", id))

/** Something that is done in two phases. Between them a launcher that dies leaves it in half. */
export interface Work {
  readonly begin: () => void
  readonly work: Effect.Effect<void, VirtualizerError>
  readonly commit: () => void
  readonly rollBack: () => void
}

/** Does a work: success commits, anything else rolls back. */
export const whole = (reach: Reach, id: InstanceId, work: Work): Effect.Effect<void, VirtualizerError> =>
  Effect.acquireUseRelease(
    reach.fence.act(work.begin),
    () => work.work,
    (_, exit) => reach.fence.act(() => isDone(reach, id, exit) ? work.commit() : work.rollBack())
  )

/** Does something after a while. Interrupted before, it may be done all the same. */
export const late = <E>(
  reach: Reach,
  id: InstanceId,
  latency: Latency,
  act: Effect.Effect<void, E>,
  doAllTheSame: () => void
): Effect.Effect<void, E> =>
  lag(reach, latency).pipe(
    Effect.onInterrupt(() =>
      reach.fence.act(() => {
        if (reach.host.strikes("interruptedButDone", id)) doAllTheSame()
      })
    ),
    Effect.andThen(act)
  )
