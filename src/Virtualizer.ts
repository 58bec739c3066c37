/**
 * The contract between a launcher and one virtualisation technology. Who implements it needs to know nothing else.
 *
 * A launcher owns instances; for each it holds a {@link Guest}, which is how this technology runs one instance. The
 * launcher calls the methods of one guest serially, one at a time, but for {@link Guest.stats} and {@link Guest.console},
 * which may be used at any time; and those of different guests at once. It may interrupt any call at any point.
 *
 * The rules every implementation keeps:
 *
 * - **Success commits, anything else rolls back.** A method that fails or is interrupted leaves the host as it found
 *   it, or as if it had succeeded, and nothing in between: no half-written file, no process that nobody knows. When an
 *   interrupted method returns, its clean-up is done.
 * - **Everything can be repeated.** A launcher may die at any moment and a new one begins by asking
 *   {@link Guest.probe}. Doing again what is done succeeds and changes nothing, unless it says otherwise.
 * - **Guests outlive launchers.** Closing a scope ends monitors, sockets and fibers, and never a guest.
 * - **Unknown is not exited.** `Exited` is said on proof only: the process is gone, or the engine says so.
 * - **No wait without an end.** Every wait on another process has a deadline or is interruptible.
 * - All failures are {@link VirtualizerError}s. A defect is a bug of the implementation.
 */
import { Context, type Duration, type Effect, type Scope, type Stream } from "effect"
import type { Socket } from "effect/socket"
import type { Capabilities } from "./domain/Capabilities.ts"
import type { ExitStatus } from "./domain/ExitStatus.ts"
import type { ImageProgress } from "./domain/Image.ts"
import type { InstanceId } from "./domain/InstanceId.ts"
import type { InstanceSpec, VirtualizerName } from "./domain/InstanceSpec.ts"
import type { NetworkConnection } from "./domain/Network.ts"
import type { Volume, VolumeId } from "./domain/Volume.ts"
import type { VirtualizerError } from "./VirtualizerError.ts"

/** One virtualisation technology. A plain value: a node holds several. */
export interface Virtualizer {
  readonly name: VirtualizerName

  /** What it can do. What is not declared here fails with `NotSupported`, and changes nothing. */
  readonly capabilities: Capabilities

  /**
   * Binds a spec to this technology. Looks at the spec only: it starts nothing, writes nothing and does not wait.
   *
   * `directory` is an absolute path that belongs to this instance: the guest may keep there whatever it likes. The
   * launcher creates nothing in it, and removes it when the instance is deleted, after {@link Guest.deleteImage}. It may
   * not exist yet.
   *
   * Fails with `NotSupported` when this technology can not run such a spec.
   */
  readonly make: (
    spec: InstanceSpec,
    directory: string
  ) => Effect.Effect<Guest, VirtualizerError, Scope.Scope>

  /**
   * Every guest of this node's state directory that is there now, whether a launcher has a record of it or not.
   * Ends when all have been told. Changes nothing.
   */
  readonly discover: Stream.Stream<FoundGuest, VirtualizerError>

  /**
   * The instances whose guests are there, then those whose guests begin to run, whoever started them: a launcher looks at those
   * that it thinks at rest. May tell of one too often. Never ends. Left out where only launchers can start a guest.
   */
  readonly begun?: Stream.Stream<InstanceId>

  /**
   * Ends a discovered guest, verified: by force, without asking it. Its files are left. Succeeds when it is gone already.
   */
  readonly destroy: (found: FoundGuest) => Effect.Effect<void, VirtualizerError>

  /**
   * Removes every trace of an instance outside its directory by its id and its directory alone, for a launcher that has no spec
   * of it. Called only when no guest runs for it; succeeds when there is nothing to remove.
   */
  readonly discard: (id: InstanceId, directory: string) => Effect.Effect<void, VirtualizerError>
}

/** The virtualizers of this node, by name. */
export class Virtualizers extends Context.Service<Virtualizers, ReadonlyMap<VirtualizerName, Virtualizer>>()(
  "vivarium/Virtualizers"
) {}

/** A guest that {@link Virtualizer.discover} found. */
export interface FoundGuest {
  /** The instance it runs for, as the guest itself says. */
  readonly id: InstanceId
  /** The technology's own handle on it, such as a pid or a container id, for people. */
  readonly handle: string
}

/** What the launcher resolved for one boot. */
export interface BootConfig {
  /** The volumes the guest shall have, resolved. The one a spec boots from is among them. */
  readonly volumes: ReadonlyArray<Volume>
  /** One connection for each network interface of the spec, in their order. */
  readonly networks: ReadonlyArray<NetworkConnection>
}

/**
 * What there is of a guest.
 * - `Absent`: nothing outside the instance's directory, and no image.
 * - `ImageReady`: the backing image is there; the guest's own disk is not.
 * - `Created`: all is there that a start needs, and no guest runs. `lastExit` is how the last one ended, when known.
 * - `Running`: the guest is there (running, paused, or held at its end for its reason to be read).
 */
export type Probe =
  | { readonly _tag: "Absent" }
  | { readonly _tag: "ImageReady" }
  | { readonly _tag: "Created"; readonly lastExit: ExitStatus | undefined }
  | { readonly _tag: "Running" }

/** What runs for one instance. Methods and getters, no state of its own beyond its handle. */
export interface Guest {
  /**
   * Finds out what is there, by asking the host and never from memory. Fails with `Unreachable` when it can not know;
   * a launcher takes that for unknown and asks again later.
   */
  readonly probe: Effect.Effect<Probe, VirtualizerError>

  /**
   * Makes sure that what the instance boots from is there and sound. The stream reports progress and ends when it is.
   * Interruption leaves nothing half-fetched.
   *
   * Fails with `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`.
   */
  readonly ensureBackingImage: Stream.Stream<ImageProgress, VirtualizerError>

  /**
   * Creates the guest's own disk, its cloud-init seed and whatever else a start needs. Undoes what it made when it fails
   * or is interrupted. Where a disk exists already it is kept: its data is the user's.
   *
   * Fails with `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`.
   */
  readonly createImage: (boot: BootConfig) => Effect.Effect<void, VirtualizerError>

  /**
   * Removes every trace of the instance outside its directory. Called only when no guest runs; succeeds when there is
   * nothing to remove.
   */
  readonly deleteImage: Effect.Effect<void, VirtualizerError>

  /**
   * Launches the guest, so that it outlives this process. Returns when the guest is there; whether it connects is for
   * {@link Guest.monitor} to find out. Interruption ends what was launched, verified. The caller knows that none runs.
   *
   * Fails with `LaunchFailed`, `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`, and then no guest is left.
   */
  readonly start: (boot: BootConfig) => Effect.Effect<void, VirtualizerError>

  /**
   * Watches the running guest, whoever launched it: adopting one is this same call. Returns as soon as the guest has been
   * found; the watching lives in the scope, and ends with it, leaving the guest as it is. At most one monitor of a guest
   * exists at a time: another is refused, and does not disturb it.
   *
   * Fails with `NotRunning` when there is no guest, `Unreachable` when there is one that does not answer or has a monitor.
   */
  readonly monitor: Effect.Effect<Monitor, VirtualizerError, Scope.Scope>

  /**
   * Ends the guest by force and returns when that is verified. Needs no monitor. Succeeds when none runs.
   *
   * Fails with `StillAlive`.
   */
  readonly kill: Effect.Effect<void, VirtualizerError>

  /** What the guest uses now. Never waits for the guest itself. Fails with `NotRunning` or `HostFailure`. */
  readonly stats: Effect.Effect<GuestStats, VirtualizerError>

  /** The guest's console. Fails with `NotSupported` where there is none. */
  readonly console: GuestConsole
}

/** The scoped handle on a running guest. Its effects may be run by several fibers at once. */
export interface Monitor {
  /**
   * Completes when the guest runs, with what it is and has then: it has been told to run, and its control channel answers.
   * Waits for ever if it ends first.
   */
  readonly connected: Effect.Effect<GuestStatus>

  /** Completes once, when the guest ended, or when its control channel did, which proves nothing about the guest. */
  readonly ended: Effect.Effect<Ended>

  /**
   * Tells a follower what happens to the guest from now on, as it happens and in that order, until the scope closes or the
   * monitor's does. The end is told last, and at once to who comes after it.
   */
  readonly follow: (follower: Follower) => Effect.Effect<void, never, Scope.Scope>

  /** What the guest is and has at this moment, asked of it. Fails with `Unreachable` or `NotRunning`. */
  readonly status: Effect.Effect<GuestStatus, VirtualizerError>

  /**
   * Ends the guest: asks it, waits for `grace`, insists, then uses force. Returns when it is verified to be gone, and
   * `ended` has completed. Interruption leaves the guest asked: it may end later.
   *
   * Fails with `StillAlive` when even force did not help within the deadline.
   */
  readonly stop: (grace: Duration.Duration) => Effect.Effect<void, VirtualizerError>

  /** Stops the guest's processors. Doing so again is no failure. */
  readonly pause: Effect.Effect<void, VirtualizerError>

  /** Lets the guest's processors run again. */
  readonly resume: Effect.Effect<void, VirtualizerError>

  /**
   * Attaches a volume to the running guest. Success if it has it already. What fails or is interrupted is rolled back, unless
   * the guest does not let go of the volume at once: then it has it, and its status says so.
   *
   * Fails with `AttachFailed`, `ImageUnusable`, `PathRefused`, `Unreachable` or `NotRunning`.
   */
  readonly attachVolume: (volume: Volume) => Effect.Effect<void, VirtualizerError>

  /**
   * Detaches a volume. Success means that the guest let go of it and no process holds it open. Success also if the guest
   * does not have it. Fails with `DetachFailed`, `Unreachable` or `NotRunning`.
   */
  readonly detachVolume: (volume: VolumeId) => Effect.Effect<void, VirtualizerError>
}

/** Who is told what happens to a guest, in the very act: it notes that, and neither waits nor throws. */
export interface Follower {
  /** Something happened to the guest. */
  readonly onEvent: (event: GuestEvent) => void
  /** The same that `ended` completes with. Told once, and nothing after it. */
  readonly onEnded: (ended: Ended) => void
}

/** The end of a monitor: of its guest, proven, or of its control channel. */
export type Ended =
  | { readonly _tag: "Exited"; readonly status: ExitStatus }
  | { readonly _tag: "Lost"; readonly cause: string }

/** What can happen to a running guest. */
export type GuestEvent =
  /** It rebooted. It did not end. */
  | { readonly _tag: "Rebooted" }
  /** Its processors stopped: it was paused, or its virtualizer stopped it, for example on a full disk. */
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Resumed" }

/** What a running guest is and has. */
export interface GuestStatus {
  readonly paused: boolean
  readonly volumes: ReadonlyArray<VolumeId>
}

/** What a guest uses. A value that is not known is absent. */
export interface GuestStats {
  /** Physical memory, pages shared with other processes counted in proportion. */
  readonly memoryBytes?: number
  /** Processor time used since the guest began. */
  readonly cpuMillis?: number
  /** How long the guest has been there. */
  readonly uptimeMillis?: number
  /** Disk space that the instance's own disk takes up. */
  readonly diskAllocatedBytes?: number
  /** Size of that disk as the guest sees it. */
  readonly diskVirtualBytes?: number
}

/** A guest's console. */
export interface GuestConsole {
  /** What the guest has written so far, then, with `follow`, what it goes on to write until its end. */
  readonly log: (options: { readonly follow: boolean }) => Stream.Stream<Uint8Array, VirtualizerError>
  /** An interactive connection. One at a time. */
  readonly connect: Effect.Effect<Socket.Socket, VirtualizerError, Scope.Scope>
}
