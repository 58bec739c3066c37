/**
 * Records in memory, for tests and for launchers whose instances need not outlive them. They go through JSON, as on disk.
 */
import { Effect, Layer, Schema } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import { InstanceRecord } from "./InstanceRecord.ts"
import { InstanceStore, StoreError } from "./InstanceStore.ts"
import * as NodeRecord from "./NodeRecord.ts"

const RecordJson = Schema.fromJsonString(Schema.toCodecJson(InstanceRecord))
const RevisionJson = Schema.fromJsonString(Schema.Struct({ revision: InstanceRecord.fields.revision }))

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
  const encode = Schema.encodeSync(RecordJson)
  const decode = Schema.decodeSync(RecordJson)
  const decodeRevision = Schema.decodeSync(RevisionJson)
  return {
    incarnation: ++disk.incarnations,
    load: Effect.sync(() => ({
      records: Array.from(disk.records.values(), (text) => decode(text)),
      unreadable: [],
      node: disk.node
    })),
    put: (record) =>
      Effect.suspend(() => {
        const before = disk.records.get(record.id)
        if (record.revision !== (before === undefined ? 0 : decodeRevision(before).revision) + 1) {
          return Effect.fail(new StoreError({ message: `record ${record.id} was written by somebody else` }))
        }
        disk.records.set(record.id, encode(record))
        return Effect.void
      }),
    remove: (id) => Effect.sync(() => void disk.records.delete(id)),
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
