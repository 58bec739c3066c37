/**
 * Where records and the instances' directories are kept. Survives launchers.
 */
import { Context, type Effect, Schema } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { UnreadableRecord } from "../domain/NodeStatus.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import type { NodeRecord } from "./NodeRecord.ts"

/** The store could not do it. What was there before is intact; a record that was being written may be there in its place. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", { message: Schema.String }) {}

/** All that was found in a state directory. */
export interface Found {
  readonly records: ReadonlyArray<InstanceRecord>
  /** Those that were set aside just now. */
  readonly unreadable: ReadonlyArray<UnreadableRecord>
  readonly node: NodeRecord
}

/** The records of one state directory. */
export class InstanceStore extends Context.Service<InstanceStore, {
  /** The number of this launcher among those of the state directory; no other has it. */
  readonly incarnation: number
  /** All records. What can not be read is set aside and told, never deleted. */
  readonly load: Effect.Effect<Found, StoreError>
  /**
   * Writes a record, durably and all or nothing. Its revision must be one above that of the record before, or 1.
   * Failure and interruption leave the record before or this one, and the next may have this one's revision.
   */
  readonly put: (record: InstanceRecord) => Effect.Effect<void, StoreError>
  /** Removes a record, durably. Succeeds when there is none. */
  readonly remove: (id: InstanceId) => Effect.Effect<void, StoreError>
  /** The directory that belongs to an instance. It need not exist. */
  readonly directory: (id: InstanceId) => string
  /** Removes an instance's directory with all that is in it. Succeeds when there is none. */
  readonly removeDirectory: (id: InstanceId) => Effect.Effect<void, StoreError>
  /** Writes what is kept of the node, durably and all or nothing. */
  readonly putNode: (record: NodeRecord) => Effect.Effect<void, StoreError>
  /** The instances that have a directory, or a record that was set aside, and no record. */
  readonly leftovers: Effect.Effect<ReadonlyArray<InstanceId>, StoreError>
  /** Deletes the records that were ever set aside, of one instance or all of them, and tells where they were. */
  readonly removeUnreadable: (only?: InstanceId) => Effect.Effect<ReadonlyArray<string>, StoreError>
}>()("vivarium/InstanceStore") {}
