/**
 * What instances use.
 */
import { Schema } from "effect"

const Bytes = Schema.Natural

/** What one instance uses. A value that is not known is absent. */
export const InstanceStats = Schema.Struct({
  /** Physical memory of its guest, shared pages counted in proportion. */
  memoryBytes: Schema.optionalKey(Bytes),
  /**
   * Processor time per vCPU and second since the sample before, or since its guest began: 1 is all vCPUs busy. Work of
   * the virtualizer itself counts too, so it can exceed 1.
   */
  cpuRatio: Schema.optionalKey(Schema.Finite),
  /** Space that its own disk takes up. */
  diskAllocatedBytes: Schema.optionalKey(Bytes),
  /** Size of its own disk, as its guest sees it. */
  diskVirtualBytes: Schema.optionalKey(Bytes)
})

export type InstanceStats = typeof InstanceStats.Type
