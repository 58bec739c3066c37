/**
 * What happens on a simulated host, told to its observers in the very act.
 */
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { VolumeId } from "../../domain/Volume.ts"
import type { Fault } from "./Fault.ts"

interface OfGuest {
  readonly id: InstanceId
  readonly pid: number
}

export type HostOccurrence =
  | { readonly _tag: "Struck"; readonly fault: Fault; readonly id: InstanceId | undefined }
  /** A virtualizer was asked what it may never be asked: where that is for a volume, to take it from the guest of `rival`. */
  | { readonly _tag: "Violation"; readonly detail: string; readonly rival: InstanceId | undefined }
  /** Something of an instance's files is there, or is gone. */
  | { readonly _tag: "ImageFetched" | "DiskCreated" | "ImageDeleted"; readonly id: InstanceId }
  | { readonly _tag: "Ended"; readonly id: InstanceId; readonly pid: number; readonly status: ExitStatus }
  | { readonly _tag: "Attached" | "Detached"; readonly id: InstanceId; readonly volume: VolumeId }
  /** A guest was launched; it connected; and what else happens to one that runs. */
  | { readonly _tag: "Spawned" } & OfGuest
  | {
    readonly _tag: "Connected" | "Paused" | "Resumed" | "Rebooted" | "Severed" | "Restored" | "Frozen" | "Thawed"
  } & OfGuest
