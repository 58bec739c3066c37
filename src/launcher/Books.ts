/**
 * What the instances of a node hold together: at every moment the sum over all of them.
 */
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { Reserved } from "../domain/NodeStatus.ts"
import { isQuiescent, type Situation } from "./Situation.ts"

/** What an instance of such a spec holds: its disk as long as it is there, the rest as long as its guest is there or wanted. */
export const demands = ({ boot, memory, vcpus }: InstanceSpec): Reserved => ({
  memoryBytes: Number(memory),
  vcpus,
  diskBytes: boot.kind === "image" && boot.size !== undefined ? Number(boot.size) : 0
})

/** Whether the guest of an instance is there, may be, or is wanted. There is none before a record says that it is launched. */
const needsGuest = ({ observed, record }: Situation): boolean =>
  record.desired.power !== "stopped" || (record.boot > 0 && !isQuiescent(observed))

export class Books {
  private memoryBytes = 0
  private vcpus = 0
  private diskBytes = 0
  /** How many instances hold something. */
  instances = 0

  /** What all hold together. */
  get reserved(): Reserved {
    const { diskBytes, memoryBytes, vcpus } = this
    return { memoryBytes, vcpus, diskBytes }
  }

  /** An instance comes, or goes. */
  countDisk(spec: InstanceSpec, sign: 1 | -1): void {
    this.instances += sign
    this.diskBytes += sign * demands(spec).diskBytes
  }

  /** A guest comes to be wanted, or is not wanted any more and gone. */
  countGuest(spec: InstanceSpec, sign: 1 | -1): void {
    const { memoryBytes, vcpus } = demands(spec)
    this.memoryBytes += sign * memoryBytes
    this.vcpus += sign * vcpus
  }
}

/** What one instance holds. */
export class Holding {
  private readonly spec: InstanceSpec
  private readonly books: Books
  private hasGuest: boolean
  private isOver = false

  /** An instance comes, which may have been admitted with what its guest needs. */
  constructor(situation: Situation, books: Books, isForGuest: boolean) {
    this.spec = situation.record.spec
    this.books = books
    this.hasGuest = isForGuest || needsGuest(situation)
    books.countDisk(this.spec, 1)
    if (this.hasGuest) books.countGuest(this.spec, 1)
  }

  /** Whether it holds what its guest needs. */
  get forGuest(): boolean {
    return this.hasGuest
  }

  /** Holds what its guest needs, before that is wanted. It is given back when it turns out not to be. */
  takeForGuest(): void {
    if (this.hasGuest) return
    this.hasGuest = true
    this.books.countGuest(this.spec, 1)
  }

  /** Holds what a situation calls for, and no more. */
  settle(situation: Situation): void {
    const needs = needsGuest(situation)
    if (this.isOver || needs === this.hasGuest) return
    this.hasGuest = needs
    this.books.countGuest(this.spec, needs ? 1 : -1)
  }

  /** The instance goes. */
  release(): void {
    if (this.isOver) return
    this.isOver = true
    this.books.countDisk(this.spec, -1)
    if (this.hasGuest) this.books.countGuest(this.spec, -1)
  }
}
