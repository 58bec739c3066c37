/**
 * Records in memory, for tests and for launchers whose instances need not outlive them. They go through JSON, as on disk.
 */
import { Effect, Layer, Result, Schema } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import { InstanceRecord } from "./InstanceRecord.ts"
import { InstanceStore, StoreError } from "./InstanceStore.ts"
import * as NodeRecord from "./NodeRecord.ts"
import { decode, RecordText } from "./RecordText.ts"

const decodeRevision = Schema.decodeSync(
  Schema.fromJsonString(Schema.Struct({ revision: InstanceRecord.fields.revision }))
)

/** What outlives the launchers that share it. */
export interface Disk {
  readonly records: Map<InstanceId, string>
  incarnations: number
  node: NodeRecord.NodeRecord
}

/** An empty disk. */
export const makeDisk = (): Disk => ({ records: new Map(), incarnations: 0, node: NodeRecord.inService })

/** A store on a disk. */
export const make = (disk: Disk): InstanceStore["Service"] => {
  const texts = new RecordText()
  /** What this store wrote last: a text that is still there need not be read for its revision. */
  const written = new Map<InstanceId, { readonly text: string; readonly revision: number }>()
  const revisionOf = (id: InstanceId): number => {
    const text = disk.records.get(id)
    const last = written.get(id)
    return text === undefined ? 0 : text === last?.text ? last.revision : decodeRevision(text).revision
  }
  return {
    incarnation: ++disk.incarnations,
    load: Effect.sync(() => ({
      records: Array.from(disk.records.values(), (text) => Result.getOrThrow(decode(text))),
      unreadable: [],
      node: disk.node
    })),
    put: (record) =>
      Effect.suspend(() => {
        const { id, revision } = record
        if (revision !== revisionOf(id) + 1) {
          return Effect.fail(new StoreError({ message: `record ${id} was written by somebody else` }))
        }
        const text = texts.encode(record)
        disk.records.set(id, text)
        written.set(id, { text, revision })
        return Effect.void
      }),
    remove: (id) =>
      Effect.sync(() => {
        disk.records.delete(id)
        written.delete(id)
      }),
    directory: (id) => `/nowhere/instances/${id}`,
    removeDirectory: () => Effect.void,
    putNode: (record) =>
      Effect.sync(() => {
        disk.node = record
      }),
    leftovers: Effect.succeed([]),
    removeUnreadable: () => Effect.succeed([])
  }
}

/** A store on a disk, or on one that nobody else sees. */
export const layer = (disk: Disk = makeDisk()): Layer.Layer<InstanceStore> =>
  Layer.sync(InstanceStore, () => make(disk))
