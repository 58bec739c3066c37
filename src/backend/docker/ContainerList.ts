/**
 * The containers of a node as its engine lists them: one call for all who ask in the same moment, such as a launcher that begins.
 */
import { Effect, RcMap, Scope } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import * as Containers from "../../docker/Containers.ts"
import type * as EngineClient from "../../docker/EngineClient.ts"
import type { EngineError } from "../../docker/EngineError.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"
import { isRunningStatus } from "./ContainerState.ts"

/** A container on the engine's record. That it has ended may not be there yet; that it was made, started or removed is. */
export interface Listed {
  readonly container: string
  /** Such as `running`, `paused` or `removing`. */
  readonly status: string
}

export interface ContainerList {
  /** The container of an instance, whatever it is called; nothing where there is none. May be interrupted, as a call. */
  readonly find: (id: InstanceId) => Effect.Effect<Listed | undefined, EngineError>
  /** Those of all instances. */
  readonly all: Effect.Effect<ReadonlyMap<InstanceId, Listed>, EngineError>
}

/** The containers of a state directory. */
export const make = Effect.fnUntraced(function*(
  engine: EngineClient.Shape,
  stateDirectory: string
): Effect.fn.Return<ContainerList> {
  /** The call that is yet to be made, and whom it is for. Who asks later is not answered by what was seen before. */
  let next = 0
  const asking = new Set<InstanceId | "all">()

  const calls = yield* RcMap.make({
    lookup: (_call: number) =>
      Effect.gen(function*() {
        // Others may ask at the same time.
        yield* Effect.yieldNow
        next++
        const [id, ...others] = asking
        asking.clear()
        const labels = id === undefined || id === "all" || others.length > 0
          ? [ContainerIdentity.ownership(stateDirectory)]
          : ContainerIdentity.labelsFor(stateDirectory, id)
        const all = yield* engine.execute(Containers.list({ all: true, labels }))
        const found = new Map<InstanceId, Listed>()
        for (const { Id, Labels, State } of all) {
          const id = ContainerIdentity.instanceOf(stateDirectory, Labels)
          // Should there be several, the one that runs.
          const isIt = id !== undefined && (!found.has(id) || isRunningStatus(State))
          if (isIt) found.set(id, { container: Id, status: State })
        }
        return found
      })
    // It holds nothing while nobody asks, and guests may be asked when their launcher is closed.
  }).pipe(Scope.provide(yield* Scope.make()))

  const ask = (what: InstanceId | "all") =>
    Effect.scoped(Effect.suspend(() => {
      asking.add(what)
      return RcMap.get(calls, next)
    }))

  return { find: (id) => Effect.map(ask(id), (all) => all.get(id)), all: ask("all") }
})
