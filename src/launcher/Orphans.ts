/**
 * Guests, and what is left of instances, that no record explains: they are told, and left alone until somebody says what is to become
 * of them.
 */
import { Deferred, Duration, Effect, Exit, Scope, Stream } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { VirtualizerName } from "../domain/InstanceSpec.ts"
import type { FoundGuest, Guest, Virtualizer } from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import { mustBeOpen } from "./Commands.ts"
import { initial } from "./InstanceRecord.ts"
import {
  fail,
  InstanceExists,
  InstanceFailure,
  type LauncherError,
  NodeMaintenance,
  NoInstance,
  StateFailure,
  StepFailed
} from "./LauncherError.ts"
import { type LauncherNode, whileOpen } from "./LauncherNode.ts"
import { resume } from "./Recovery.ts"
import type { StoreError } from "./InstanceStore.ts"
import * as Starting from "./Starting.ts"

/** What is there of an instance that has no record. */
export interface Orphan {
  readonly id: InstanceId
  /** Its guest, where one runs: whose it is, and the technology's own handle on it. */
  readonly guest: { readonly virtualizer: VirtualizerName; readonly handle: string } | undefined
}

/** A guest that runs without a record, and its virtualizer. */
interface Stray {
  readonly virtualizer: Virtualizer
  readonly found: FoundGuest
}

/** All orphans, in the order of their ids. Fails with `StateFailure` when the state directory can not be read. */
export const list = Effect.fnUntraced(function*(node: LauncherNode) {
  const { registry, store, telemetry } = node
  // What comes or goes meanwhile is an instance at one of both times.
  const before = new Set(registry.all.map(({ id }) => id))
  const strays = yield* discover(node)
  const leftovers = yield* Effect.mapError(
    store.leftovers,
    (error) => fail(new StateFailure({ detail: error.message }))
  )
  // Of a launcher that closes, no guest is an instance's any more.
  yield* mustBeOpen(node)
  const isOrphan = (id: InstanceId) => !before.has(id) && registry.get(id) === undefined && !node.handling.has(id)
  const orphans = new Map<InstanceId, Orphan>()
  for (const id of leftovers) if (isOrphan(id)) orphans.set(id, { id, guest: undefined })
  for (const { found: { handle, id }, virtualizer: { name } } of strays) {
    if (isOrphan(id)) orphans.set(id, { id, guest: { virtualizer: name, handle } })
  }
  telemetry.orphans(orphans.size)
  return Array.from(orphans.values()).sort((a, b) => a.id < b.id ? -1 : 1)
})

/** Every guest there is. A virtualizer that can not tell, or does not in time, is logged, and keeps nobody from the others. */
const discover = ({ config, virtualizers }: LauncherNode): Effect.Effect<ReadonlyArray<Stray>> =>
  Effect.map(
    Effect.forEach(virtualizers.values(), (virtualizer) =>
      Stream.runCollect(virtualizer.discover).pipe(
        Effect.map((all) => all.map((found) => ({ virtualizer, found }))),
        Effect.timeout(config.discoverDeadline),
        Effect.catchDefect(broke),
        Effect.catch((error) =>
          Effect.as(Effect.logWarning(`${virtualizer.name} can not tell its guests: ${error.message}`), [])
        )
      ), { concurrency: "unbounded" }),
    (all) => all.flat()
  )

/** A virtualizer that dies. */
const broke = (defect: unknown) => Effect.fail({ message: `the virtualizer broke: ${String(defect)}` })

/**
 * Makes a running guest without a record an instance again, by a spec that fits: of the same id, and with the volumes that the
 * guest has. Returns when it is watched; the guest goes on as it is. Interruption leaves it an orphan, or an instance.
 *
 * Fails with `InstanceExists` where the id or the name is taken, `NoInstance` where no such guest runs, `InstanceFailure` where
 * the spec does not fit or the guest does not answer, and as a start does.
 */
export const adopt = Effect.fnUntraced(function*(
  node: LauncherNode,
  spec: InstanceSpec
): Effect.fn.Return<InstanceInfo, LauncherError> {
  const instance = yield* alone(node, spec.id, "it is one already", adoptAlone(node, spec))
  yield* Deferred.await(instance.adopted)
  return instance.info
})

/**
 * Does something about what has no record. Meanwhile nothing of that id is started, and who wants to do something about it too
 * waits. It does not outlive the launcher.
 */
const alone = <A>(
  node: LauncherNode,
  id: InstanceId,
  otherwise: string,
  action: Effect.Effect<A, LauncherError>
): Effect.Effect<A, LauncherError> => {
  const { admitting, handling, registry } = node
  const refuse = (detail: string) => Effect.fail(fail(new InstanceExists({ id, detail })))
  const take = Effect.suspend((): Effect.Effect<Deferred.Deferred<void> | undefined, LauncherError> => {
    const other = handling.get(id)
    if (other !== undefined) return Effect.succeed(other)
    if (registry.get(id) !== undefined) return refuse(otherwise)
    handling.set(id, Deferred.makeUnsafe())
    return Effect.undefined
  })
  const release = Effect.sync(() => {
    const done = handling.get(id)
    handling.delete(id)
    if (done !== undefined) Deferred.doneUnsafe(done, Exit.void)
  })
  const begin: Effect.Effect<A, LauncherError> = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      admitting.withPermits(1)(Effect.andThen(mustBeOpen(node), take)),
      (other) =>
        other === undefined
          ? Effect.onExit(restore(action), () => release)
          : restore(Effect.andThen(Deferred.await(other), begin))
    )
  )
  return whileOpen(node, begin)
}

const adoptAlone = Effect.fnUntraced(function*(node: LauncherNode, spec: InstanceSpec) {
  const { id } = spec
  yield* mustNotBeEmptied(node)
  const { guest, own } = yield* Starting.make(node, spec)
  const { connectDeadline } = node.config
  const silent = `its guest did not answer within ${Duration.toMillis(connectDeadline)} ms`
  const paused = yield* Effect.timeoutOrElse(fit(guest, spec), {
    duration: connectDeadline,
    orElse: () => Effect.fail(fail(new InstanceFailure({ id, detail: silent })))
  }).pipe(Effect.onExit(() => Scope.close(own, Exit.void)))
  return yield* node.admitting.withPermits(1)(Effect.uninterruptible(enter(node, spec, paused)))
})

/** What empties a node has its instances already, and would leave one that comes then. */
const mustNotBeEmptied = ({ state }: LauncherNode): Effect.Effect<void, LauncherError> =>
  Effect.suspend(() =>
    state.task === null
      ? Effect.void
      : Effect.fail(fail(new NodeMaintenance({ detail: "it is being emptied: ask again when that is done" })))
  )

/** Puts an orphan on record, as a guest that runs. */
const enter = Effect.fnUntraced(function*(node: LauncherNode, spec: InstanceSpec, paused: boolean) {
  const { around, config, store } = node
  yield* mustBeOpen(node)
  yield* mustNotBeEmptied(node)
  yield* Starting.isNameFree(node, spec)
  yield* Starting.claim(node, spec)
  const first = initial(spec)
  const record = {
    ...first,
    revision: 1,
    desired: { ...first.desired, power: paused ? "paused" as const : "running" as const, epoch: 1 },
    boot: 1,
    connectedMillis: around.nowMillis()
  }
  yield* store.put(record).pipe(
    Effect.timeout(config.recordDeadline),
    Effect.mapError((error) => fail(new StateFailure({ detail: error.message }))),
    Effect.tapError(() =>
      // It may have been written all the same, and a later launcher would believe it.
      Effect.andThen(
        Effect.ignore(Effect.timeout(store.remove(spec.id), config.recordDeadline)),
        Effect.sync(() => Starting.unclaim(node, spec))
      )
    )
  )
  node.telemetry.orphanGone()
  return yield* resume(node, record)
})

/** Whether the guest that runs has what the spec says, and is paused. */
const fit = Effect.fnUntraced(function*(guest: Guest, { id, volumes }: InstanceSpec) {
  const misfit = (detail: string) => fail(new InstanceFailure({ id, detail }))
  const probe = yield* Effect.mapError(guest.probe, (error) => misfit(error.message))
  if (probe._tag !== "Running") return yield* fail(new NoInstance({ id }))
  const status = yield* Effect.scoped(Effect.flatMap(guest.monitor, ({ connected }) => connected)).pipe(
    Effect.mapError((error) => misfit(error.message))
  )
  const wanted = volumes.map((volume) => volume.id).toSorted().join(", ")
  const had = status.volumes.toSorted().join(", ")
  if (wanted !== had) {
    return yield* misfit(
      `its guest has the volumes ${had || "none"}, and the specification ${wanted || "none"}: name those`
    )
  }
  return status.paused
})

/**
 * Ends the guest of an orphan by force, where one runs, and removes all that is left of it. Fails with `InstanceExists` where it
 * is an instance, which is deleted, and with `StepFailed`. Interruption leaves what is left to be removed again.
 */
export const destroy = (node: LauncherNode, id: InstanceId): Effect.Effect<void, LauncherError> =>
  alone(node, id, "it is no orphan: delete it", remove(node, id))

const remove = Effect.fnUntraced(function*(node: LauncherNode, id: InstanceId) {
  const { config, store, telemetry, virtualizers } = node
  const directory = store.directory(id)
  // A record that could be neither written nor removed when it was adopted goes first, so that no launcher brings it back.
  const removal = Effect.andThen(
    store.remove(id),
    Effect.forEach(
      virtualizers.values(),
      (virtualizer) => Effect.andThen(virtualizer.destroy({ id, handle: "" }), virtualizer.discard(id, directory)),
      { discard: true }
    )
  ).pipe(Effect.andThen(store.removeDirectory(id)), Effect.andThen(removeUnreadable(node, id)))
  yield* Effect.timeout(removal, Duration.sum(config.stopDeadline, config.deleteDeadline)).pipe(
    Effect.catchDefect(broke),
    Effect.mapError((error) => failed(id, error))
  )
  telemetry.orphanGone()
})

/** Removes the records that were set aside of an instance, or those that are of none. Returns where they were. */
export const removeUnreadable = (
  { store, unreadable }: LauncherNode,
  of: InstanceId | undefined
): Effect.Effect<ReadonlyArray<string>, StoreError> =>
  Effect.tap(store.removeUnreadable(of), (paths) =>
    Effect.sync(() => {
      for (const path of paths) unreadable.delete(path)
    }))

const failed = (id: InstanceId, error: VirtualizerError | { readonly message: string }): LauncherError =>
  fail(new StepFailed({ id, phase: "delete", failure: "instance_failure", detail: error.message }))

/** Tells of the orphans that a launcher finds when it begins. */
export const report = (node: LauncherNode): Effect.Effect<void> =>
  Effect.matchEffect(list(node), {
    onFailure: (error) => Effect.logWarning(`orphans can not be looked for: ${error.message}`),
    onSuccess: (orphans) =>
      Effect.forEach(orphans, ({ guest, id }) =>
        Effect.logWarning(
          `${guest === undefined ? "files" : `a guest (${guest.virtualizer}, ${guest.handle})`} of ${id} ${
            guest === undefined ? "are" : "is"
          } there without a record: left alone until it is adopted or destroyed`
        ), { discard: true })
  })
