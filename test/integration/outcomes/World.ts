/**
 * A node that a sequence is played on: simulated, or with QEMU. Its launchers come and go.
 */
import type { Effect } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import type { VolumeId } from "../../../src/domain/Volume.ts"
import type { InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import type { Launcher } from "../../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../../src/launcher/LauncherError.ts"
import type { Holds } from "./Holds.ts"

/** A guest, as the host knows it. */
export interface GuestSeen {
  readonly id: InstanceId
  /** The volumes that it has open, in order. */
  readonly volumes: ReadonlyArray<VolumeId>
}

export interface World {
  readonly holds: Holds
  /** What an instance is started with. */
  readonly spec: (id: InstanceId) => InstanceSpec
  readonly open: Effect.Effect<Launcher["Service"], LauncherError>
  /** Closes the launcher. */
  readonly close: Effect.Effect<void>
  /** What happens to a guest from outside. Nothing, where there is none. */
  readonly powerOff: (id: InstanceId) => Effect.Effect<void>
  readonly panic: (id: InstanceId) => Effect.Effect<void>
  readonly reboot: (id: InstanceId) => Effect.Effect<void>
  readonly kill: (id: InstanceId) => Effect.Effect<void>
  readonly guests: Effect.Effect<ReadonlyArray<GuestSeen>>
  /** Waits until a guest that runs looks at its power button. */
  readonly booted: (id: InstanceId) => Effect.Effect<void>
  readonly record: (id: InstanceId) => Effect.Effect<InstanceRecord | undefined>
  /** Whether anything of an instance is there beside its record. */
  readonly isLeft: (id: InstanceId) => Effect.Effect<boolean>
}
