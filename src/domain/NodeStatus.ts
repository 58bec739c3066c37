/**
 * How a node is.
 */
import { Schema } from "effect"
import { InstanceId, InstanceName } from "./InstanceId.ts"
import { InstanceState, tags } from "./InstanceState.ts"
import { NodeSample } from "./NodeSample.ts"
import { InstanceStats } from "./Resources.ts"
import { VolumeId } from "./Volume.ts"

/** What instances hold of a node, by what was asked for: whether they use it or not. */
export const Reserved = Schema.Struct({
  memoryBytes: Schema.Natural,
  vcpus: Schema.Natural,
  /** The sizes of their own disks, where their specs say them. */
  diskBytes: Schema.Natural
})

export type Reserved = typeof Reserved.Type

/**
 * - `Ready`: it takes instances.
 * - `Full`: for `why` it will soon take no more, or takes none already.
 * - `Maintenance`: it takes none until it is restored.
 */
export const NodeCondition = Schema.Union([
  Schema.TaggedStruct("Ready", {}),
  Schema.TaggedStruct("Full", { why: Schema.String }),
  Schema.TaggedStruct("Maintenance", {})
])

export type NodeCondition = typeof NodeCondition.Type

/** What is being done about a whole node, also by the next launcher if this one does not come to its end. */
export const NodeTask = Schema.Literals(["evacuation", "reset"])

export type NodeTask = typeof NodeTask.Type

/** A record that can not be read. It has been set aside, and its guest is left alone. */
export const UnreadableRecord = Schema.Struct({
  /** Where it is now. */
  path: Schema.String,
  why: Schema.String
})

export type UnreadableRecord = typeof UnreadableRecord.Type

/** How a node is at one moment. */
export const NodeStatus = Schema.Struct({
  /** The number of its launcher among those of its state directory. */
  incarnation: Schema.Natural,
  condition: NodeCondition,
  task: Schema.NullOr(NodeTask),
  /** How many instances there are, by state. */
  instances: Schema.Record(Schema.Literals(tags), Schema.Natural),
  /** What they hold together. */
  reserved: Reserved,
  /** How many guests without a record there were when somebody last looked; absent before that. */
  orphans: Schema.optionalKey(Schema.Natural),
  /** The records that its launcher could not read. */
  unreadable: Schema.Array(UnreadableRecord)
})

export type NodeStatus = typeof NodeStatus.Type

/** What one instance uses. */
export const InstanceUsage = Schema.Struct({
  id: InstanceId,
  name: Schema.optionalKey(InstanceName),
  state: InstanceState,
  volumes: Schema.Array(VolumeId),
  /** Where its SSH is reached from outside of its tenant's network; 0 where it is not. */
  sshAddress: Schema.optionalKey(Schema.String),
  sshPort: Schema.Natural,
  stats: InstanceStats
})

export type InstanceUsage = typeof InstanceUsage.Type

/** What a node has, and what its instances use. */
export const NodeStatistics = Schema.Struct({
  status: NodeStatus,
  /** When it was measured. */
  atMillis: Schema.Int,
  /** Absent where it can not be told. */
  node: Schema.optionalKey(NodeSample),
  /** In the order of their ids. */
  instances: Schema.Array(InstanceUsage)
})

export type NodeStatistics = typeof NodeStatistics.Type
