/**
 * The service that owns all instances of one node.
 */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { InstanceEvent } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { InstanceState } from "../domain/InstanceState.ts"
import type { InstanceStats } from "../domain/Resources.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import type { GuestConsole } from "../Virtualizer.ts"
import type { LauncherError } from "./LauncherError.ts"

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

/** What a subscriber to {@link Launcher.changes} gets. */
export type LauncherChange =
  /** All instances at one moment. Comes first, and again after `Lagged`. */
  | {
    readonly _tag: "Snapshot"
    readonly incarnation: number
    readonly sequence: number
    readonly instances: ReadonlyArray<InstanceInfo>
  }
  /** What happened after the snapshot, in order and without gaps. */
  | { readonly _tag: "Event"; readonly event: InstanceEvent }
  /** The subscriber was too slow, and events were dropped. A new snapshot follows. */
  | { readonly _tag: "Lagged"; readonly missed: number }

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
}>()("vivarium/launcher/Launcher") {}
