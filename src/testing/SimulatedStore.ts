/**
 * The records of a launcher on a simulated disk, behind its fence: from the moment that it dies, nothing it does reaches the
 * disk. A write takes a moment; it can fail, be slow, and be cut off by the launcher's death.
 */
import { Effect } from "effect"
import type { Fence } from "../backend/simulation/Fence.ts"
import type { SimulatedHost } from "../backend/simulation/SimulatedHost.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import { type InstanceStore, StoreError } from "../launcher/InstanceStore.ts"
import type { SimulatedDisk, Write } from "./SimulatedDisk.ts"

/** What a store works on. */
export interface SimulatedStoreOptions {
  readonly disk: SimulatedDisk
  /** Says which faults strike. */
  readonly host: SimulatedHost
  readonly fence: Fence
}

/** How long a write takes, in milliseconds: between these, and when it is slow. */
const writeMillis = [0, 3] as const
const slowMillis = [200, 12_000] as const

/** The store of one launcher: the next of the disk's. */
export const make = ({ disk, fence, host }: SimulatedStoreOptions): InstanceStore["Service"] => {
  const incarnation = ++disk.incarnations
  /** The revisions that this launcher wrote or read. */
  const revisions = new Map<InstanceId, number>()
  /** What is there of writes that were interrupted, and done all the same. */
  const unheard = new Map<InstanceId, number>()

  /** Writes, all or nothing. `revision` is what is there when it is done. */
  const perform = (write: Write, revision: number): Effect.Effect<void, StoreError> => {
    const isRefused = host.strikes("recordFails")
    const [least, most] = host.strikes("recordSlow") ? slowMillis : writeMillis
    disk.begin(write)
    return Effect.sleep(disk.dice.between(least, most)).pipe(
      Effect.andThen(fence.actEffect(() => {
        if (isRefused) {
          disk.fail(write)
          return Effect.fail(new StoreError({ message: "the record could not be written: the disk is full" }))
        }
        disk.commit(write)
        revisions.set(write.id, revision)
        unheard.delete(write.id)
        return Effect.void
      })),
      // After a crash this finds its write settled, and changes nothing.
      Effect.onInterrupt(() =>
        Effect.sync(() => {
          if (disk.abandon(write)) unheard.set(write.id, revision)
        })
      )
    )
  }

  return {
    incarnation,
    load: fence.act(() => {
      const found = disk.read(incarnation)
      for (const { id, revision } of found.records) revisions.set(id, revision)
      return found
    }),
    put: (record) =>
      fence.actEffect(() => {
        const { id, revision } = record
        const known = revisions.get(id) ?? 0
        const there = disk.record(id)?.revision ?? 0
        return revision === known + 1 && there === (unheard.get(id) ?? known)
          ? perform({ id, record }, revision)
          : Effect.fail(overwritten(id, there, revision))
      }),
    remove: (id) => fence.actEffect(() => perform({ id, record: undefined }, 0)),
    directory: (id) => `/simulated/instances/${id}`,
    removeDirectory: (id) => fence.act(() => void disk.directories.delete(id)),
    putNode: (record) =>
      fence.actEffect(() => {
        if (host.strikes("recordFails")) {
          return Effect.fail(new StoreError({ message: "the node's record could not be written: the disk is full" }))
        }
        disk.writeNode(record)
        return Effect.sleep(disk.dice.between(...writeMillis))
      }),
    leftovers: fence.act(() => {
      const ids = new Set([...disk.directories, ...disk.setAside.map(({ id }) => id)])
      return Array.from(ids).filter((id) => !disk.ids.includes(id))
    }),
    removeUnreadable: (only) => fence.act(() => disk.removeUnreadable(only))
  }
}

const overwritten = (id: InstanceId, there: number, revision: number): StoreError =>
  new StoreError({
    message: `record ${id} was to become revision ${revision}, but is at ${there}: somebody else wrote it`
  })
