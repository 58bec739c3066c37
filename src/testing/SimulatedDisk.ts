/**
 * The disk that the launchers of a simulated node keep their records on, and the instances' directories. It survives them.
 */
import { Result, Schema } from "effect"
import type { SimulatedHost } from "../backend/simulation/SimulatedHost.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import { Dice } from "../internal/Dice.ts"
import { InstanceRecord } from "../launcher/InstanceRecord.ts"
import type { UnreadableRecord } from "../domain/NodeStatus.ts"
import type { Found } from "../launcher/InstanceStore.ts"
import * as NodeRecord from "../launcher/NodeRecord.ts"

/** What becomes of a record, told in the very act. */
export type DiskOccurrence =
  /** `isHeard` is false where its writer did not get to know. */
  | { readonly _tag: "Recorded"; readonly id: InstanceId; readonly record: InstanceRecord; readonly isHeard: boolean }
  | { readonly _tag: "Removed"; readonly id: InstanceId; readonly isHeard: boolean }
  /** It could not be read, and lies somewhere else now. */
  | { readonly _tag: "SetAside"; readonly id: InstanceId }
  /** What is kept of the node. */
  | { readonly _tag: "NodeRecorded"; readonly record: NodeRecord.NodeRecord }

/** A write under way: of a record, or of its removal. */
export interface Write {
  readonly id: InstanceId
  readonly record: InstanceRecord | undefined
}

/** What is in a file: a record, or what is left of one. It is turned into text when somebody reads it. */
type Content = InstanceRecord | "torn"

const RecordJson = Schema.fromJsonString(Schema.toCodecJson(InstanceRecord))
const encode = Schema.encodeSync(RecordJson)
const decode = Schema.decodeResult(RecordJson)

export class SimulatedDisk {
  /** How many launchers there have been. */
  incarnations = 0
  /** The records that could not be read, and which launcher found out. */
  readonly setAside: Array<{ readonly id: InstanceId; readonly incarnation: number; readonly path: string }> = []
  /** What is kept of the node. */
  node: NodeRecord.NodeRecord = NodeRecord.inService
  readonly dice: Dice
  /** The instances that have a directory: since their own disk was made. */
  readonly directories = new Set<InstanceId>()
  private readonly host: SimulatedHost
  private readonly files = new Map<InstanceId, Content>()
  private readonly parsed = new WeakMap<InstanceRecord, ReturnType<typeof decode>>()
  private readonly writing = new Map<InstanceId, Write>()
  private listener: ((occurrence: DiskOccurrence) => void) | undefined = undefined

  constructor(options: { readonly seed: string | number; readonly host: SimulatedHost }) {
    this.dice = new Dice(options.seed).for("disk")
    this.host = options.host
    this.host.observe((occurrence) => {
      if (occurrence._tag === "DiskCreated") this.directories.add(occurrence.id)
    })
  }

  /** Calls the listener in the very act. There is one listener, and it takes the place of the last. */
  observe(listener: (occurrence: DiskOccurrence) => void): void {
    this.listener = listener
  }

  /** The record of an instance; nothing where there is none, or none that can be read. */
  record(id: InstanceId): InstanceRecord | undefined {
    const content = this.files.get(id)
    return content === "torn" ? undefined : content
  }

  /** The instances that have a record, readable or not. */
  get ids(): ReadonlyArray<InstanceId> {
    return Array.from(this.files.keys())
  }

  /** Records that were set aside are deleted, of one instance or all of them. */
  removeUnreadable(only?: InstanceId): ReadonlyArray<string> {
    const all = this.setAside.splice(0)
    const isMeant = ({ id }: { readonly id: InstanceId }) => only === undefined || id === only
    this.setAside.push(...all.filter((one) => !isMeant(one)))
    return all.filter(isMeant).map(({ path }) => path)
  }

  /** What is kept of the node is written. */
  writeNode(record: NodeRecord.NodeRecord): void {
    this.node = record
    this.listener?.({ _tag: "NodeRecorded", record })
  }

  /** A write begins. It is done, or not done, by {@link commit} or {@link abandon}. */
  begin(write: Write): void {
    this.writing.set(write.id, write)
  }

  /** The write is done. */
  commit(write: Write, isHeard = true): void {
    this.writing.delete(write.id)
    const { id, record } = write
    if (record === undefined) {
      if (this.files.delete(id)) this.listener?.({ _tag: "Removed", id, isHeard })
    } else {
      this.files.set(id, record)
      this.listener?.({ _tag: "Recorded", id, record, isHeard })
    }
  }

  /** The write failed: what was there is there. */
  fail({ id }: Write): void {
    this.writing.delete(id)
  }

  /** Nobody waits for the write any more: it is done or not, by the dice. Says which. */
  abandon(write: Write): boolean {
    if (this.writing.get(write.id) !== write) return false
    const isDone = this.dice.chance(0.5)
    if (isDone) this.commit(write, false)
    else this.fail(write)
    return isDone
  }

  /** The launcher died in the middle of its writes. A disk that lies has them neither done nor not done. */
  launcherDied(): void {
    for (const write of Array.from(this.writing.values())) {
      if (write.record !== undefined && this.host.strikes("recordTorn")) {
        this.writing.delete(write.id)
        this.files.set(write.id, "torn")
      } else {
        this.abandon(write)
      }
    }
  }

  /** What reading a file gives: once through its text. */
  private parse(content: Content) {
    if (content === "torn") return decode("{\"version\":1,\"id")
    return this.parsed.get(content) ?? decode(encode(content))
  }

  /** Reads all records, as a new launcher does. What can not be read is set aside. */
  read(incarnation: number): Found {
    const records: Array<InstanceRecord> = []
    const unreadable: Array<UnreadableRecord> = []
    for (const [id, content] of Array.from(this.files)) {
      const record = this.parse(content)
      if (Result.isSuccess(record)) {
        records.push(record.success)
        // The next one that reads it gets the same.
        this.parsed.set(record.success, record)
        this.files.set(id, record.success)
      } else {
        this.files.delete(id)
        const path = `/simulated/unreadable/${incarnation}-${id}.json`
        this.setAside.push({ id, incarnation, path })
        unreadable.push({ path, why: record.failure.message })
        this.listener?.({ _tag: "SetAside", id })
      }
    }
    return { records, unreadable, node: this.node }
  }
}
