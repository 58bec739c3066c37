/**
 * Where records and the instances' directories are kept. Survives launchers.
 */
import { Context, type Effect, Schema } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"

/** The store could not do it. What was there before is intact; a record that was being written may be there in its place. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", { message: Schema.String }) {}

/** A record that can not be read. It has been set aside, and its guest is left alone. */
export interface UnreadableRecord {
  /** Where it is now. */
  readonly path: string
  readonly why: string
}

/** The records of one state directory. */
export class InstanceStore extends Context.Service<InstanceStore, {
  /** The number of this launcher among those of the state directory; no other has it. */
  readonly incarnation: number
  /** All records. What can not be read is set aside and told, never deleted. */
  readonly load: Effect.Effect<
    { readonly records: ReadonlyArray<InstanceRecord>; readonly unreadable: ReadonlyArray<UnreadableRecord> },
    StoreError
  >
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
}>()("vivarium/InstanceStore") {}
