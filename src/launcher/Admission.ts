/**
 * Whether a node takes an instance more: by what its instances hold, what the node has, and its limits.
 *
 * What is left is what the node had when it was last measured, with what its guests used then given back, without what they hold
 * now. So memory that a guest has not touched yet is not promised twice, and what others use counts.
 */
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { NodeSample } from "../domain/NodeSample.ts"
import { type Books, demands } from "./Books.ts"
import { bytesOf, descriptorsEach, type Limits, type Mark } from "./Limits.ts"

/** What a node had at one moment, and what its guests used of it. */
export interface Measured {
  readonly node: NodeSample
  readonly guestsMemoryBytes: number
  readonly guestsDiskBytes: number
}

/** What an instance more would take. */
interface Demand {
  readonly memoryBytes: number
  readonly vcpus: number
  readonly diskBytes: number
  readonly instances: number
}

const nothing: Demand = { memoryBytes: 0, vcpus: 0, diskBytes: 0, instances: 0 }

/** What is needed of the node: all that an instance needs, all but what its guest does, that, or nothing that is not held already. */
export type Needs = "instance" | "place" | "guest" | "nothing"

export class Admission {
  private readonly limits: Limits
  private readonly books: Books
  private readonly measured: () => Measured | undefined

  constructor(options: {
    readonly limits: Limits
    readonly books: Books
    /** What was last measured; where nothing is known of the node, nothing is refused. */
    readonly measured: () => Measured | undefined
  }) {
    this.limits = options.limits
    this.books = options.books
    this.measured = options.measured
  }

  /** Why a node does not have what an instance needs. */
  refusal(spec: InstanceSpec, needs: Needs): string | undefined {
    if (needs === "nothing") return undefined
    const demand = demands(spec)
    return this.exceeded("refuseBelow", {
      ...nothing,
      ...(needs === "place" ? {} : { memoryBytes: demand.memoryBytes, vcpus: demand.vcpus }),
      ...(needs === "guest" ? {} : { diskBytes: demand.diskBytes, instances: 1 })
    })
  }

  /** Why the node counts as full. */
  get fullness(): string | undefined {
    return this.exceeded("fullBelow", nothing)
  }

  private exceeded(mark: keyof Mark, demand: Demand): string | undefined {
    const measured = this.measured()
    if (measured === undefined) return undefined
    const { guestsDiskBytes, guestsMemoryBytes, node } = measured
    const { books: { instances, reserved }, limits: { disk, memory, vcpusPerCpu } } = this
    const isToAdd = mark === "refuseBelow"

    const instancesMax = Math.floor(node.descriptorsMax / descriptorsEach)
    if (isToAdd ? instances + demand.instances > instancesMax : instances >= instancesMax) {
      return `it has ${instances} instances, and may have ${instancesMax}: a fifth of the ${node.descriptorsMax} files that ` +
        "the launcher may have open; raise that limit"
    }
    const vcpusMax = vcpusPerCpu === null ? Infinity : Math.floor(vcpusPerCpu * node.cpusOnline)
    if (isToAdd ? reserved.vcpus + demand.vcpus > vcpusMax : reserved.vcpus >= vcpusMax) {
      return `its instances have ${reserved.vcpus} vCPUs${
        more(demand.vcpus, `${demand.vcpus}`)
      }, and may have ${vcpusMax}`
    }
    return short("memory", memory, mark, node.memoryTotalBytes, {
      leftBytes: node.memoryAvailableBytes + guestsMemoryBytes - reserved.memoryBytes,
      demandBytes: demand.memoryBytes
    }) ?? short("disk", disk, mark, node.diskTotalBytes, {
      leftBytes: node.diskAvailableBytes + guestsDiskBytes - reserved.diskBytes,
      demandBytes: demand.diskBytes
    })
  }
}

const more = (demand: number, text: string): string => demand === 0 ? "" : `, this one needs ${text}`

/** Why there is not enough of something. */
const short = (
  what: string,
  limit: Mark | null,
  mark: keyof Mark,
  totalBytes: number,
  { demandBytes, leftBytes }: { readonly leftBytes: number; readonly demandBytes: number }
): string | undefined => {
  if (limit === null) return undefined
  const leastBytes = bytesOf(limit[mark], totalBytes)
  if (leftBytes - demandBytes >= leastBytes) return undefined
  return `it has ${mebibytes(leftBytes)} of ${what} left${more(demandBytes, mebibytes(demandBytes))}, and keeps ${
    mebibytes(leastBytes)
  }`
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / (1024 * 1024))} MiB`
