/**
 * A small control plane: keeps a number of replicas running, over a launcher.
 */
import { Effect, FiberMap, Schedule, type Scope, Semaphore, Stream } from "effect"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import type { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import type { InstanceState } from "../../src/domain/InstanceState.ts"
import { Launcher, type LauncherChange } from "../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../src/launcher/LauncherError.ts"

export interface ReplicaSet {
  /**
   * Has this many replicas from now on. Returns when those that are too many are gone, and waits for no start. Fails when one
   * of them could not be deleted in time.
   */
  readonly scale: (count: number) => Effect.Effect<void, LauncherError>
}

/** How long a replica waits that could not be started: longer from time to time, but never more than a minute. */
const backOff = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")])

/**
 * No replicas yet. `specOf` says what the replica of a number is, always in the same way: a set that is made anew takes over
 * what an earlier one started. Replicas outlive the scope; once it is closed, none is replaced any more. One whose id is taken
 * by something else is tried again and again, until somebody has looked at that.
 */
export const make = Effect.fn("ReplicaSet.make")(function*(
  specOf: (number: number) => InstanceSpec
): Effect.fn.Return<ReplicaSet, never, Launcher | Scope.Scope> {
  const launcher = yield* Launcher
  const keepers = yield* FiberMap.make<number>()
  const scaling = yield* Semaphore.make(1)

  const remove = (id: InstanceId) =>
    Effect.catchReason(launcher.delete(id), "LauncherError", "NoInstance", () => Effect.void)

  /** One replica after the other, each for as long as it lasts. */
  const keep = (spec: InstanceSpec) =>
    launcher.start(spec).pipe(
      Effect.andThen(Stream.runDrain(Stream.takeUntil(launcher.changes, (change) => tellsEnd(change, spec.id)))),
      Effect.andThen(remove(spec.id)),
      // A start can leave what it failed with. That is replaced, not started again.
      Effect.tapError(() => Effect.ignore(remove(spec.id))),
      Effect.retry({ schedule: backOff, while: ({ reason }) => reason._tag !== "LauncherClosed" }),
      Effect.forever
    )

  return {
    scale: (count) =>
      scaling.withPermit(Effect.gen(function*() {
        const surplus = Array.from(keepers, ([number]) => number).filter((number) => number >= count)
        yield* Effect.forEach(
          surplus,
          (number) => Effect.andThen(FiberMap.remove(keepers, number), remove(specOf(number).id)),
          { concurrency: "unbounded", discard: true }
        )
        for (let number = 0; number < count; number++) {
          yield* FiberMap.run(keepers, number, keep(specOf(number)), { onlyIfMissing: true })
        }
      }))
  }
})

/** Whether it says that an instance runs no longer. That its guest can not be reached does not say so. */
const tellsEnd = (change: LauncherChange, id: InstanceId): boolean => {
  switch (change._tag) {
    case "Snapshot": {
      const instance = change.instances.find(({ spec }) => spec.id === id)
      return instance === undefined || isOver(instance.state)
    }
    case "Event":
      return change.event.id === id && (change.event.change._tag === "Deleted" ||
        (change.event.change._tag === "StateChanged" && isOver(change.event.change.state)))
    case "Lagged":
      return false
  }
}

const isOver = ({ _tag }: InstanceState): boolean => _tag === "Exited" || _tag === "Failed" || _tag === "Stopped"
