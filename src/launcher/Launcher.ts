/**
 * The service that owns all instances of one node.
 */
import { Clock, Context, Deferred, Effect, Exit, FiberSet, Layer, PubSub, Scope, Semaphore, type Stream } from "effect"
import type { InstanceEvent } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import { equivalence, type InstanceSpec } from "../domain/InstanceSpec.ts"
import type { InstanceState } from "../domain/InstanceState.ts"
import type { InstanceStats } from "../domain/Resources.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import { type Guest, type GuestConsole, type Virtualizer, Virtualizers } from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import { type Entry, EventLog } from "./EventLog.ts"
import { Instance, type Surroundings } from "./Instance.ts"
import { initial, type InstanceRecord } from "./InstanceRecord.ts"
import { InstanceStore } from "./InstanceStore.ts"
import { LauncherConfig } from "./LauncherConfig.ts"
import {
  AlreadyAttached,
  fail,
  InstanceExists,
  InstanceFailure,
  LauncherClosed,
  type LauncherError,
  NoInstance,
  NotSupported,
  StateFailure,
  StepFailed
} from "./LauncherError.ts"
import { fresh, recovered, type Situation } from "./Situation.ts"
import { type CpuSample, cpuSample, instanceStats } from "./Statistics.ts"
import * as UnavailableGuest from "./UnavailableGuest.ts"
import { VolumeClaims } from "./VolumeClaims.ts"
import { VolumeResolver } from "./VolumeResolver.ts"
import type { Command } from "./Wish.ts"

/** An instance, as a launcher shows it. */
export interface InstanceInfo {
  /** What was asked for when it was started first. */
  readonly spec: InstanceSpec
  readonly state: InstanceState
  /** The volumes it has, or shall have at its next start. */
  readonly volumes: ReadonlyArray<VolumeSpec>
  /** How often it was started. */
  readonly starts: number
}

/** What a follower of {@link Launcher.changes} gets. */
export type LauncherChange = Entry<ReadonlyArray<InstanceInfo>>

/**
 * All instances of one node. Every command is answered exactly once, within its deadline. What a command asks for is on
 * disk before anything is done about it.
 *
 * A stronger command takes over from a weaker one: `delete` from all, `stop` from all but `delete`. Who waited for the
 * weaker one then gets `Superseded`. A weaker command waits for a stronger one in progress, an equal one joins it, and
 * during a delete all others get `NoInstance`.
 *
 * Closing the launcher leaves every guest as it is. The next launcher on the state directory goes on with them.
 */
export class Launcher extends Context.Service<Launcher, {
  /** The number of this launcher among those of its state directory. */
  readonly incarnation: number

  /**
   * Starts an instance and returns when it runs: a new one, or the stopped one of the same id and an equal spec. One that
   * runs already is returned as it is. A first start that fails before the guest is launched leaves nothing; one that
   * fails later leaves the instance, as failed, to be started again or deleted.
   *
   * Interrupting withdraws the start, unless others wait for it too: a new instance is gone and an old one stopped when
   * the interruption returns.
   *
   * Fails with `InstanceExists`, `AlreadyAttached`, `NotSupported`, `StepFailed`, or what every command can fail with:
   * `NoInstance`, `Superseded`, `TimedOut`, `StateFailure`, `LauncherClosed`.
   */
  readonly start: (spec: InstanceSpec) => Effect.Effect<InstanceInfo, LauncherError>

  /**
   * Like {@link start}, for as long as the scope is open: closing it deletes the instance. The deletion is on record even
   * when it can not be finished within its deadline.
   */
  readonly scoped: (spec: InstanceSpec) => Effect.Effect<InstanceInfo, LauncherError, Scope.Scope>

  /**
   * Stops an instance: asks its guest, waits for the spec's grace, insists, then kills. Returns when the guest is gone.
   * The instance stays, stopped. Interrupting ends the waiting only.
   */
  readonly stop: (id: InstanceId) => Effect.Effect<void, LauncherError>

  /**
   * Ends an instance at once and removes every trace of it. Returns when nothing is left. Interrupting ends the waiting
   * only. Volumes are not deleted.
   */
  readonly delete: (id: InstanceId) => Effect.Effect<void, LauncherError>

  /**
   * Starts an instance anew: a running one is stopped as {@link stop} does it, then started; a stopped one is started.
   * Returns when it runs. Interrupting ends the waiting only. Fails as {@link start} does.
   */
  readonly restart: (id: InstanceId) => Effect.Effect<void, LauncherError>

  /** Stops the guest's processors. Fails with `InstanceFailure` when the instance is stopped. */
  readonly pause: (id: InstanceId) => Effect.Effect<void, LauncherError>

  /** Lets the guest's processors run again. Fails with `InstanceFailure` when the instance is stopped. */
  readonly resume: (id: InstanceId) => Effect.Effect<void, LauncherError>

  /**
   * Gives an instance a volume: a running one gets it now, a stopped one at its next start. Success if it has it already.
   *
   * Fails with `AlreadyAttached` when another instance has the volume, or `StepFailed` with code `attach_failure`; then
   * the instance does not have it.
   */
  readonly attach: (id: InstanceId, volume: VolumeSpec) => Effect.Effect<void, LauncherError>

  /** Takes a volume from an instance. Success if it does not have it. The one it boots from can not be taken. */
  readonly detach: (id: InstanceId, volume: VolumeId) => Effect.Effect<void, LauncherError>

  readonly get: (id: InstanceId) => Effect.Effect<InstanceInfo, LauncherError>

  /** All instances, ordered by id. */
  readonly list: Effect.Effect<ReadonlyArray<InstanceInfo>>

  /** What an instance uses now. Fails with `InstanceFailure` when no guest runs. */
  readonly stats: (id: InstanceId) => Effect.Effect<InstanceStats, LauncherError>

  /** The console of an instance's guest. */
  readonly console: (id: InstanceId) => Effect.Effect<GuestConsole, LauncherError>

  /** A snapshot, and everything that follows. Ends with the launcher. */
  readonly changes: Stream.Stream<LauncherChange>
}>()("vivarium/Launcher") {}

/** The launcher of a node. It lives in the scope, and detaches from all guests when that closes. */
export const make = Effect.fn("Launcher.make")(function*(
  config: LauncherConfig = LauncherConfig.make({})
): Effect.fn.Return<
  Launcher["Service"],
  LauncherError,
  InstanceStore | Virtualizers | VolumeResolver | Scope.Scope
> {
  const store = yield* InstanceStore
  const virtualizers = yield* Virtualizers
  const scope = yield* Effect.scope
  const registry = new Map<InstanceId, Instance>()
  const names = new Map<string, InstanceId>()
  const samples = new WeakMap<Instance, CpuSample>()
  const instances = () =>
    Array.from(registry.values()).filter(({ isPublished }) => isPublished).map(infoOf)
      .sort((a, b) => a.spec.id < b.spec.id ? -1 : 1)
  const events = yield* Effect.acquireRelease(
    PubSub.sliding<InstanceEvent>({ capacity: config.eventsHeld }),
    PubSub.shutdown
  )
  const log = new EventLog({ incarnation: store.incarnation, events, instances })
  // Closes after the loops have ended: an instance's scope is for its loop to close.
  const scopes = yield* Scope.fork(scope)
  const run = yield* FiberSet.makeRuntime()

  let isClosed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
    })
  )

  const clock = yield* Clock.Clock
  const around: Surroundings = {
    config,
    nowMillis: () => clock.currentTimeMillisUnsafe(),
    store,
    volumes: yield* VolumeResolver,
    probes: Semaphore.makeUnsafe(config.probesAtOnce),
    claims: new VolumeClaims(),
    publish: (instance, change, nowMillis) => log.publish(instance.id, change, nowMillis),
    leave: ({ id, spec }) => {
      registry.delete(id)
      if (spec.name !== undefined) names.delete(spec.name)
    }
  }

  const enter = (situation: Situation, saved: InstanceRecord | undefined, guest: Guest, virtualizer?: Virtualizer) => {
    const abilities = virtualizer?.capabilities ?? { pause: false, liveVolumes: false }
    const instance = new Instance({ situation, saved, guest, abilities, around })
    registry.set(instance.id, instance)
    if (instance.spec.name !== undefined) names.set(instance.spec.name, instance.id)
    return instance
  }

  const adopt = Effect.fnUntraced(function*(record: InstanceRecord) {
    const { id, spec } = record
    const own = yield* Scope.fork(scopes)
    const virtualizer = virtualizers.get(spec.virtualizer)
    const guest = virtualizer === undefined
      ? UnavailableGuest.make(
        `this node has no virtualizer ${spec.virtualizer}: configure it, and the instance is back`
      )
      : yield* virtualizer.make(spec, store.directory(id)).pipe(
        Scope.provide(own),
        Effect.catch((error) => Effect.succeed(UnavailableGuest.make(error.message)))
      )
    const instance = enter(recovered(record, around.nowMillis()), record, guest, virtualizer)
    run(instance.loop(own))
    return instance
  })

  /** One at a time: two starts of one id must not both make it. */
  const admission = Semaphore.makeUnsafe(1)

  const admit = Effect.fnUntraced(function*(spec: InstanceSpec) {
    const { id, name } = spec
    if (isClosed) return yield* fail(new LauncherClosed())
    const present = registry.get(id)
    if (present !== undefined) {
      if (equivalence(present.spec, spec)) {
        return { instance: present, waiter: present.callers.enqueue({ _tag: "Start" }) }
      }
      return yield* fail(new InstanceExists({ id, detail: "it exists with another specification: delete it first" }))
    }
    const namesake = name === undefined ? undefined : names.get(name)
    if (namesake !== undefined) {
      return yield* fail(new InstanceExists({ id, detail: `its name, ${name}, is that of instance ${namesake}` }))
    }
    const virtualizer = virtualizers.get(spec.virtualizer)
    if (virtualizer === undefined) return yield* fail(new NotSupported({ what: `virtualizer ${spec.virtualizer}` }))
    const own = yield* Scope.fork(scopes)
    const guest = yield* virtualizer.make(spec, store.directory(id)).pipe(
      Scope.provide(own),
      Effect.mapError(refusal(id)),
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    for (const volume of spec.volumes) {
      const holder = around.claims.take(volume.id, id)
      if (holder === undefined) continue
      for (const { id: taken } of spec.volumes) around.claims.release(taken, id)
      yield* Scope.close(own, Exit.void)
      return yield* fail(new AlreadyAttached({ volume: volume.id, id: holder }))
    }
    const instance = enter(fresh(initial(spec)), undefined, guest, virtualizer)
    const waiter = instance.callers.enqueue({ _tag: "Start" })
    run(instance.loop(own))
    return { instance, waiter }
  }, admission.withPermits(1))

  type Restore = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

  /** Only its waiting can be interrupted: once it succeeds, its caller has the instance. */
  const startWith = (restore: Restore, spec: InstanceSpec): Effect.Effect<InstanceInfo, LauncherError> =>
    Effect.flatMap(admit(spec), ({ instance, waiter }) =>
      restore(instance.callers.answer(waiter)).pipe(
        Effect.onInterrupt(() => instance.callers.withdraw(waiter)),
        // An instance that was just going never considered it: it is a new one.
        Effect.flatMap((considered) => considered ? Effect.sync(() => infoOf(instance)) : startWith(restore, spec))
      ))

  const find = (id: InstanceId): Effect.Effect<Instance, LauncherError> =>
    Effect.suspend(() => {
      const instance = registry.get(id)
      if (instance !== undefined) return Effect.succeed(instance)
      return Effect.fail(fail(isClosed ? new LauncherClosed() : new NoInstance({ id })))
    })

  const command = (id: InstanceId, command: Command): Effect.Effect<void, LauncherError> =>
    Effect.flatMap(find(id), (instance) => instance.callers.submit(command)).pipe(
      Effect.flatMap((considered) =>
        considered || command._tag === "Delete" ? Effect.void : Effect.fail(fail(new NoInstance({ id })))
      )
    )

  const stats = Effect.fn("Launcher.stats")(function*(id: InstanceId) {
    const instance = yield* find(id)
    const sample = yield* Effect.mapError(
      instance.guest.stats,
      (error) => fail(new InstanceFailure({ id, detail: error.message }))
    )
    const before = samples.get(instance)
    const now = cpuSample(sample)
    if (now !== undefined) samples.set(instance, now)
    return instanceStats(sample, instance.spec.vcpus, before)
  })

  const remove = (id: InstanceId) => command(id, { _tag: "Delete" })

  const { records, unreadable } = yield* Effect.mapError(
    store.load,
    (error) => fail(new StateFailure({ detail: error.message }))
  )
  yield* Effect.forEach(
    unreadable,
    ({ path, why }) =>
      Effect.logError(`a record could not be read and was moved to ${path}; its guest is left alone: ${why}`)
  )
  // What is wanted comes first: what is said to be leaving may have left before that could be written.
  for (const { desired, id } of records) for (const volume of desired.volumes) around.claims.take(volume.id, id)
  const found = yield* Effect.forEach(records, adopt)
  yield* Effect.forEach(found, (instance) => Deferred.await(instance.adopted), { discard: true }).pipe(
    Effect.timeoutOption(config.adoptionWait)
  )

  return Launcher.of({
    incarnation: store.incarnation,
    start: Effect.fn("Launcher.start")((spec) => Effect.uninterruptibleMask((restore) => startWith(restore, spec))),
    scoped: (spec) =>
      // A start that is interrupted has withdrawn itself: there is nothing to release then.
      Effect.uninterruptibleMask((restore) =>
        Effect.acquireRelease(startWith(restore, spec), () =>
          remove(spec.id).pipe(
            Effect.catchReason("LauncherError", "NoInstance", () => Effect.void),
            Effect.catch((error) => Effect.logError(`instance ${spec.id} could not be deleted: ${error.message}`))
          ))
      ),
    stop: Effect.fn("Launcher.stop")((id) => command(id, { _tag: "Stop" })),
    delete: Effect.fn("Launcher.delete")(remove),
    restart: Effect.fn("Launcher.restart")((id) => command(id, { _tag: "Restart" })),
    pause: Effect.fn("Launcher.pause")((id) => command(id, { _tag: "Pause" })),
    resume: Effect.fn("Launcher.resume")((id) => command(id, { _tag: "Resume" })),
    attach: Effect.fn("Launcher.attach")((id, volume) => command(id, { _tag: "Attach", volume })),
    detach: Effect.fn("Launcher.detach")((id, volume) => command(id, { _tag: "Detach", volume })),
    get: (id) => Effect.map(find(id), infoOf),
    list: Effect.sync(instances),
    stats,
    console: (id) => Effect.map(find(id), (instance) => instance.guest.console),
    changes: log.changes
  })
})

const infoOf = ({ situation: { record }, state }: Instance): InstanceInfo => ({
  spec: record.spec,
  state,
  volumes: record.desired.volumes,
  starts: record.desired.epoch
})

/** A virtualizer that can not run such a spec: nothing was recorded. */
const refusal = (id: InstanceId) => (error: VirtualizerError): LauncherError =>
  fail(
    error.reason._tag === "NotSupported"
      ? new NotSupported({ what: error.reason.what })
      : new StepFailed({ id, phase: "admit", failure: "instance_failure", detail: error.message })
  )

/** The launcher of a node. Building it takes hold of all instances that are on record. */
export const layer = (
  config?: LauncherConfig
): Layer.Layer<Launcher, LauncherError, InstanceStore | Virtualizers | VolumeResolver> =>
  Layer.effect(Launcher, make(config))
