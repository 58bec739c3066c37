/**
 * The service that owns all instances of one node.
 */
import { Cause, Clock, Context, Effect, Exit, FiberSet, Layer, Scope, Semaphore, Stream } from "effect"
import type { Position } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { NodeStatistics, NodeStatus } from "../domain/NodeStatus.ts"
import type { InstanceStats } from "../domain/Resources.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import { type GuestConsole, Virtualizers } from "../Virtualizer.ts"
import { Admission } from "./Admission.ts"
import { Books } from "./Books.ts"
import { ask, find } from "./Commands.ts"
import { type Entry, EventLog } from "./EventLog.ts"
import { InstanceStore } from "./InstanceStore.ts"
import { LauncherConfig } from "./LauncherConfig.ts"
import { fail, InstanceFailure, type LauncherError, NodeFull, StateFailure } from "./LauncherError.ts"
import type { LauncherNode } from "./LauncherNode.ts"
import { NodeResources } from "./NodeResources.ts"
import { NodeState } from "./NodeState.ts"
import * as Orphans from "./Orphans.ts"
import { recover } from "./Recovery.ts"
import { Registry } from "./Registry.ts"
import * as Removals from "./Removals.ts"
import * as Reporting from "./Reporting.ts"
import { Sampler } from "./Sampler.ts"
import * as Starting from "./Starting.ts"
import * as SteadyTime from "./SteadyTime.ts"
import type { Surroundings } from "./Surroundings.ts"
import { isTraced, Telemetry } from "./Telemetry.ts"
import { VolumeClaims } from "./VolumeClaims.ts"
import { VolumeResolver } from "./VolumeResolver.ts"
import type { Command } from "./Wish.ts"

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
   * Puts an instance on record without starting it, and returns when it is there: it is stopped, and stays even when its first
   * {@link start} fails or is withdrawn. One that is there with an equal spec is returned as it is. It holds its disk of the node,
   * and the rest from its start on.
   *
   * Interrupting ends the waiting only. Fails as {@link start} does.
   */
  readonly create: (spec: InstanceSpec) => Effect.Effect<InstanceInfo, LauncherError>

  /**
   * Starts an instance and returns when it runs: a new one, or the stopped one of the same id and an equal spec. One that
   * runs already is returned as it is. A first start that fails before the guest is launched leaves nothing; one that
   * fails later leaves the instance, as failed, to be started again or deleted.
   *
   * Interrupting withdraws the start, unless others wait for it too: a new instance is gone and an old one stopped when
   * the interruption returns.
   *
   * Fails with `InstanceExists`, `AlreadyAttached`, `NodeFull`, `NodeMaintenance`, `NotSupported`, `StepFailed`, or what every command can fail with:
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

  /** What an instance uses now. Fails with `InstanceFailure` when no guest runs, or does not answer within `statisticsDeadline`. */
  readonly stats: (id: InstanceId) => Effect.Effect<InstanceStats, LauncherError>

  /** The console of an instance's guest. */
  readonly console: (id: InstanceId) => Effect.Effect<GuestConsole, LauncherError>

  /** A snapshot, and everything that follows. Ends with the launcher. */
  readonly changes: Stream.Stream<LauncherChange>

  /**
   * Everything that follows a position, for a follower who was there. Where that is not held any more, or was told by another
   * launcher, it is told so by `Lagged`, and gets a snapshot.
   */
  readonly changesAfter: (position: Position) => Stream.Stream<LauncherChange>

  /** How the node is. */
  readonly status: Effect.Effect<NodeStatus>

  /**
   * What the node has and its instances use, measured now. Those who ask at once get one measuring; no command waits for it.
   * What has not been told within `statisticsDeadline` is left out.
   */
  readonly statistics: Effect.Effect<NodeStatistics>

  /**
   * Puts the node into maintenance, durably: no instance is started any more. Then stops every instance as {@link stop} does,
   * and removes it, some at a time; each is told when it is done with, and so how far it got. What fails is told, and the rest
   * goes on. Interruption ends that: the node stays in maintenance, and what was not begun is left. Restart policies go on with
   * what is there.
   */
  readonly evacuate: Stream.Stream<Removals.Removal, LauncherError>

  /** Puts the node back to service. An evacuation under way begins with no instance more. */
  readonly restore: Effect.Effect<void, LauncherError>

  /**
   * Ends every instance at once and removes it, then every orphan, and the records that could not be read. Tells what it removed.
   * Nothing is started meanwhile. Volumes are not deleted. Interruption leaves what was not begun.
   */
  readonly reset: Stream.Stream<Removals.Removal, LauncherError>

  /** The guests, and what is left of instances, that no record explains. They are left alone. */
  readonly orphans: Effect.Effect<ReadonlyArray<Orphans.Orphan>, LauncherError>

  /**
   * Makes an orphan whose guest runs an instance again, by a spec that fits: of its id, and with the volumes that it has. The guest
   * goes on as it is.
   *
   * Fails with `InstanceExists`, `NoInstance` where no such guest runs, `InstanceFailure` where the spec does not fit or the guest
   * does not answer, `AlreadyAttached` or `NotSupported`.
   */
  readonly adopt: (spec: InstanceSpec) => Effect.Effect<InstanceInfo, LauncherError>

  /** Ends an orphan's guest at once and removes all that is left of it. Fails with `InstanceExists` where it is an instance. */
  readonly destroyOrphan: (id: InstanceId) => Effect.Effect<void, LauncherError>
}>()("vivarium/Launcher") {}

/** The launcher of a node. It lives in the scope, and detaches from all guests when that closes. */
export const make = Effect.fn("Launcher.make")(function*(
  config: LauncherConfig = LauncherConfig.make({})
): Effect.fn.Return<
  Launcher["Service"],
  LauncherError,
  InstanceStore | NodeResources | Virtualizers | VolumeResolver | Scope.Scope
> {
  const store = yield* InstanceStore
  const scope = yield* Effect.scope
  const registry = new Registry()
  const books = new Books()
  const context = yield* Effect.context()
  const telemetry = yield* Effect.acquireRelease(
    Effect.sync(() => new Telemetry(context, () => books.reserved)),
    (telemetry) => Effect.sync(() => telemetry.close())
  )
  const log = new EventLog({
    incarnation: store.incarnation,
    eventsHeld: config.eventsHeld,
    instances: () => registry.infos,
    onMissed: (events) => telemetry.missed(events)
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => log.close()))
  // Closes after the loops have ended: an instance's scope is for its loop to close.
  const scopes = yield* Scope.fork(scope)
  const run = yield* FiberSet.makeRuntime()

  let isClosed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
    })
  )

  const { node: nodeRecord, records, unreadable } = yield* Effect.mapError(
    store.load,
    (error) => fail(new StateFailure({ detail: error.message }))
  )
  const clock = yield* Clock.Clock
  const wallMillis = () => clock.currentTimeMillisUnsafe()
  const state = new NodeState(nodeRecord, store, config)
  const sampler = new Sampler({
    config,
    registry,
    resources: yield* NodeResources,
    nowMillis: wallMillis,
    run,
    isClosed: () => isClosed
  })
  const admission = new Admission({ limits: config.limits, books, measured: () => sampler.measured })
  const around: Surroundings = {
    config,
    nowMillis: SteadyTime.make(clock),
    store,
    volumes: yield* VolumeResolver,
    probes: Semaphore.makeUnsafe(config.probesAtOnce),
    claims: new VolumeClaims(),
    books,
    telemetry,
    refusal: (spec, needs) => {
      const detail = admission.refusal(spec, needs)
      return state.refusal ?? (detail === undefined ? undefined : new NodeFull({ id: spec.id, detail }))
    },
    publish: (id, change) => log.publish(id, change, wallMillis()),
    leave: (instance) => registry.leave(instance)
  }
  const node: LauncherNode = {
    config,
    store,
    virtualizers: yield* Virtualizers,
    registry,
    around,
    state,
    sampler,
    telemetry,
    admitting: Semaphore.makeUnsafe(1),
    handling: new Map(),
    unreadable: new Map(unreadable.map((record) => [record.path, record])),
    scopes,
    run,
    isClosed: () => isClosed
  }
  const reporter: Reporting.Reporter = { node, admission }

  yield* Effect.forEach(
    unreadable,
    ({ path, why }) =>
      Effect.logError(`a record could not be read and was moved to ${path}; what it is of is left alone: ${why}`)
  )
  yield* recover(node, records)
  run(Effect.andThen(Removals.goOn(node), Orphans.report(node)))

  /** A command, told and counted. */
  const command = <A>(name: string, effect: Effect.Effect<A, LauncherError>): Effect.Effect<A, LauncherError> =>
    Effect.contextWith((context: Context.Context<never>) => {
      const counted = Effect.onExit(effect, (exit) => Effect.sync(() => telemetry.operation(name, outcomeOf(exit))))
      return isTraced(context)
        ? counted.pipe(Effect.withSpan(`Launcher.${name}`, {}, { captureStackTrace: false }))
        : counted
    })
  const removing = (name: string, removals: Stream.Stream<Removals.Removal, LauncherError>) =>
    removals.pipe(
      Stream.onExit((exit) => Effect.sync(() => telemetry.operation(name, outcomeOf(exit)))),
      Stream.withSpan(`Launcher.${name}`, { captureStackTrace: false })
    )
  const to = (name: string, id: InstanceId, asked: Command) => command(name, ask(node, id, asked))
  const startWith = (restore: Starting.Restore, spec: InstanceSpec) =>
    command("start", Starting.begin(node, restore, spec, { _tag: "Start" }))
  const remove = (id: InstanceId) => to("delete", id, { _tag: "Delete" })

  return Launcher.of({
    incarnation: store.incarnation,
    create: (spec) =>
      Effect.uninterruptibleMask((restore) =>
        command("create", Starting.begin(node, restore, spec, { _tag: "Create" }))
      ),
    start: (spec) => Effect.uninterruptibleMask((restore) => startWith(restore, spec)),
    scoped: (spec) =>
      // A start that is interrupted has withdrawn itself: there is nothing to release then.
      Effect.uninterruptibleMask((restore) =>
        Effect.acquireRelease(startWith(restore, spec), () =>
          remove(spec.id).pipe(
            Effect.catchReason("LauncherError", "NoInstance", () => Effect.void),
            Effect.catch((error) => Effect.logError(`instance ${spec.id} could not be deleted: ${error.message}`))
          ))
      ),
    stop: (id) => to("stop", id, { _tag: "Stop" }),
    restart: (id) => to("restart", id, { _tag: "Restart" }),
    delete: remove,
    pause: (id) => to("pause", id, { _tag: "Pause" }),
    resume: (id) => to("resume", id, { _tag: "Resume" }),
    attach: (id, volume) => to("attach", id, { _tag: "Attach", volume }),
    detach: (id, volume) => to("detach", id, { _tag: "Detach", volume }),
    get: (id) => Effect.map(find(node, id), (instance) => instance.info),
    list: Effect.sync(() => registry.infos),
    stats: (id) =>
      command(
        "stats",
        Effect.flatMap(find(node, id), (instance) =>
          sampler.stats(instance).pipe(
            Effect.timeout(config.statisticsDeadline),
            Effect.mapError((error) => fail(new InstanceFailure({ id, detail: error.message })))
          ))
      ),
    console: (id) => Effect.map(find(node, id), (instance) => instance.guest.console),
    changes: log.changes(),
    changesAfter: (position) => log.changes(position),
    status: Reporting.status(reporter),
    statistics: Reporting.statistics(reporter),
    evacuate: removing("evacuate", Removals.evacuate(node)),
    restore: command("restore", state.restore),
    reset: removing("reset", Removals.reset(node)),
    orphans: Orphans.list(node),
    adopt: (spec) => command("adopt", Orphans.adopt(node, spec)),
    destroyOrphan: (id) => command("destroyOrphan", Orphans.destroy(node, id))
  })
})

/** How a command ended: `ok`, `interrupted`, or the code of its failure. */
const outcomeOf = (exit: Exit.Exit<unknown, LauncherError>): string =>
  Exit.isSuccess(exit)
    ? "ok"
    : exit.cause.reasons.find(Cause.isFailReason)?.error.code ?? (Exit.hasInterrupts(exit) ? "interrupted" : "defect")

/** The launcher of a node. Building it takes hold of all instances that are on record. */
export const layer = (
  config?: LauncherConfig
): Layer.Layer<Launcher, LauncherError, InstanceStore | NodeResources | Virtualizers | VolumeResolver> =>
  Layer.effect(Launcher, make(config))
