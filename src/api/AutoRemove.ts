/**
 * Instances that are deleted when they have ended for good. It is on record with them, as a label, and so outlives the daemon.
 */
import { Effect, Layer, Stream } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import { Launcher, type LauncherChange } from "../launcher/Launcher.ts"

/** The label that marks them. */
const label = "vivarium.auto-remove"

/** The same, marked. */
export const mark = (spec: InstanceSpec): InstanceSpec => ({ ...spec, labels: { ...spec.labels, [label]: "true" } })

/** Whether it was started, and has ended for good. */
const isOver = ({ spec, starts, state }: InstanceInfo): boolean =>
  spec.labels[label] === "true" && starts > 0 &&
  (state._tag === "Exited" || state._tag === "Stopped" || state._tag === "Failed")

/** The instances of a change that may be over. */
const concerned = (change: LauncherChange): ReadonlyArray<InstanceId> => {
  switch (change._tag) {
    case "Snapshot":
      return change.instances.filter(isOver).map(({ spec }) => spec.id)
    case "Event": {
      const { event } = change
      return event.change._tag === "StateChanged" || event.change._tag === "Added" ? [event.id] : []
    }
    case "Lagged":
      return []
  }
}

/** Deletes them, for as long as it is there. One that can not be deleted is told, and tried again when its state changes. */
export const layer: Layer.Layer<never, never, Launcher> = Layer.effectDiscard(Effect.gen(function*() {
  const launcher = yield* Launcher
  const remove = (id: InstanceId) =>
    launcher.get(id).pipe(
      // Whoever stopped it is answered first: a delete would take over from that.
      Effect.tap(({ state }) => state._tag === "Stopped" ? launcher.stop(id) : Effect.void),
      Effect.flatMap((info) => isOver(info) ? launcher.delete(id) : Effect.void),
      Effect.catchReasons("LauncherError", { NoInstance: () => Effect.void, LauncherClosed: () => Effect.void }),
      Effect.catch((error) => Effect.logWarning(`instance ${id} has ended and could not be removed: ${error.message}`))
    )
  yield* Effect.forkScoped(Stream.runForEach(
    Stream.mapEffect(
      Stream.flatMap(launcher.changes, (change) => Stream.fromIterable(concerned(change))),
      remove,
      { concurrency: 16, unordered: true }
    ),
    () => Effect.void
  ))
}))
