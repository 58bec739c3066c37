/**
 * What happened on a node, in the order in which it happened: what checkers judge a run by, simulated or real.
 *
 * Who records keeps these rules, and the checkers rely on them:
 *
 * - An entry is made in the very act it tells of, without a yield in between; `atMillis` never goes back.
 * - What a dead launcher still does in its process is told only where it reaches the host or the disk, which it must not:
 *   answers and events of a launcher whose fence was cut are dropped, as those of a dead process are.
 * - `Crashed` comes after the death itself: what the disk made of writes under way stands before it.
 * - A call that is open when its launcher crashes is never answered.
 */
import type { InstanceEvent, View } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { InstanceState } from "../domain/InstanceState.ts"
import type { NodeStatistics } from "../domain/NodeStatus.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import type { InstanceRecord } from "../launcher/InstanceRecord.ts"
import type { LauncherConfig } from "../launcher/LauncherConfig.ts"
import type { NodeRecord } from "../launcher/NodeRecord.ts"
import type { Removal } from "../launcher/Removals.ts"
import type { Code } from "../launcher/LauncherError.ts"

/** What a client asks a launcher for. */
export type Call =
  | { readonly _tag: "Create" | "Start"; readonly spec: InstanceSpec }
  | { readonly _tag: "Stop" | "Restart" | "Delete" | "Pause" | "Resume" | "Get" | "Stats"; readonly id: InstanceId }
  | { readonly _tag: "Attach"; readonly id: InstanceId; readonly volume: VolumeSpec }
  | { readonly _tag: "Detach"; readonly id: InstanceId; readonly volume: VolumeId }
  | { readonly _tag: "List" | "Statistics" | "Orphans" | "Evacuate" | "Restore" | "Reset" }
  | { readonly _tag: "Adopt"; readonly spec: InstanceSpec }
  | { readonly _tag: "DestroyOrphan"; readonly id: InstanceId }

/** What a client was told, with what its command answers; `defect` stands for a launcher that broke. */
export type Answer =
  | {
    readonly ok: true
    readonly info?: InstanceInfo
    readonly statistics?: NodeStatistics
    readonly removals?: ReadonlyArray<Removal>
  }
  | { readonly ok: false; readonly code: Code | "defect"; readonly detail: string }

/**
 * What a virtualizer is asked for. `connect` is the wait for a monitored guest to be connected; `stop` asks the guest first,
 * `quit` is a stop without grace.
 */
export type Operation =
  | "probe"
  | "image"
  | "create"
  | "deleteImage"
  | "start"
  | "monitor"
  | "connect"
  | "kill"
  | "stop"
  | "quit"
  | "pause"
  | "resume"
  | "attach"
  | "detach"

/** What is left of a launcher: fibers that have not ended, sleeps that have not been cancelled. */
export interface Left {
  readonly fibers: number
  readonly timers: number
}

/** An instance after everything has come to rest: on disk, as the launcher shows it, and on the host. */
export interface SettledInstance {
  readonly id: InstanceId
  readonly record: InstanceRecord | undefined
  readonly info: InstanceInfo | undefined
  readonly guest:
    | { readonly pid: number; readonly paused: boolean; readonly volumes: ReadonlyArray<VolumeId> }
    | undefined
  /** What there is of it on the host, in words. What is half done begins with `partial`. */
  readonly remains: ReadonlyArray<string>
}

/** Something that happened. */
export type Occurrence =
  /** A launcher begins to be built: its number is taken, and nothing is read. */
  | { readonly _tag: "Began"; readonly incarnation: number; readonly config: LauncherConfig }
  /** It is built, and shows these. `unreadable` are those whose records it reported as set aside. */
  | {
    readonly _tag: "Booted"
    readonly incarnation: number
    readonly instances: ReadonlyArray<{ readonly id: InstanceId; readonly state: InstanceState }>
    readonly unreadable: ReadonlyArray<InstanceId>
  }
  | { readonly _tag: "Crashed"; readonly incarnation: number }
  /** All that was left of a crashed launcher in its process is gone. `refused` counts what it tried after its death. */
  | { readonly _tag: "Buried"; readonly incarnation: number; readonly refused: number; readonly left: Left }
  /** A launcher is being closed, in good order. */
  | { readonly _tag: "Closing"; readonly incarnation: number }
  | { readonly _tag: "Closed"; readonly incarnation: number; readonly left: Left }
  /** Calls are numbered. */
  | {
    readonly _tag: "Called"
    readonly call: number
    readonly client: number
    readonly incarnation: number
    readonly command: Call
  }
  | { readonly _tag: "Answered"; readonly call: number; readonly answer: Answer }
  /** Its client gives it up, and begins to interrupt it. */
  | { readonly _tag: "Abandoning"; readonly call: number }
  /** The interruption has returned. */
  | { readonly _tag: "Abandoned"; readonly call: number }
  /** A guest is there. `volumes` are those that it is launched with. */
  | {
    readonly _tag: "Spawned"
    readonly id: InstanceId
    readonly pid: number
    readonly volumes: ReadonlyArray<VolumeSpec>
  }
  | { readonly _tag: "Ended"; readonly id: InstanceId; readonly pid: number }
  /** A running guest has a volume from now on. */
  | { readonly _tag: "Attached"; readonly id: InstanceId; readonly volume: VolumeSpec }
  /** A running guest has let go of a volume. */
  | { readonly _tag: "Detached"; readonly id: InstanceId; readonly volume: VolumeId }
  /** A guest's processors stopped, or run again, without anybody having asked for it. */
  | { readonly _tag: "Held" | "Thawed"; readonly id: InstanceId }
  /** A virtualizer is asked for something, by a launcher that lives: see `ObservedVirtualizer`. Operations are numbered. */
  | {
    readonly _tag: "Acting"
    readonly act: number
    readonly incarnation: number
    readonly id: InstanceId
    readonly operation: Operation
  }
  /** It returned, and is over: also what it had to undo. */
  | { readonly _tag: "Acted"; readonly act: number; readonly how: "succeeded" | "failed" | "interrupted" }
  /** A record is on disk. `isHeard` is false where its writer did not get to know, because it was interrupted. */
  | { readonly _tag: "Recorded"; readonly id: InstanceId; readonly record: InstanceRecord; readonly isHeard?: boolean }
  /** It is gone. `isHeard` as above. */
  | { readonly _tag: "Removed"; readonly id: InstanceId; readonly isHeard?: boolean }
  /** A record could not be read by the launcher that begins, and lies somewhere else. */
  | { readonly _tag: "SetAside"; readonly id: InstanceId }
  /** What is kept of the node is on disk. */
  | { readonly _tag: "NodeRecorded"; readonly record: NodeRecord }
  /** A fault struck: of the host, or of the disk. */
  | { readonly _tag: "Struck"; readonly fault: string; readonly id?: InstanceId }
  /** The host was asked for what no virtualizer may ever ask of it. */
  | { readonly _tag: "Violated"; readonly detail: string }
  /** What a follower of a launcher's changes gets: a snapshot first, then all events. */
  | {
    readonly _tag: "Snapshot"
    readonly incarnation: number
    readonly sequence: number
    readonly instances: View
  }
  | { readonly _tag: "Told"; readonly event: InstanceEvent }
  /** It fell behind: a snapshot is next. */
  | { readonly _tag: "Lagged"; readonly incarnation: number; readonly missed: number | undefined }
  /** What is left of an instance on the host, looked at in the act of acknowledging its delete. */
  | { readonly _tag: "Remains"; readonly id: InstanceId; readonly what: ReadonlyArray<string> }
  /** Nothing fails, crashes or is asked for until `Settled`. */
  | { readonly _tag: "Calmed" }
  /** Long after; the followers have been told everything. Of every instance that there ever was. */
  | { readonly _tag: "Settled"; readonly instances: ReadonlyArray<SettledInstance> }

/** Something that happened, and when. */
export type Entry = Occurrence & { readonly atMillis: number }

/** All that happened, in order. */
export type History = ReadonlyArray<Entry>

/** The instance a call is about; none where it is about the node. */
export const idOf = (call: Call): InstanceId | undefined =>
  "spec" in call ? call.spec.id : "id" in call ? call.id : undefined

/** Whether a call may bring an instance about. */
export const isBeginning = ({ _tag }: Call): boolean => _tag === "Create" || _tag === "Start"

/** Whether a call is to remove all instances there are. */
export const isClearing = ({ _tag }: Call): boolean => _tag === "Evacuate" || _tag === "Reset"
