/**
 * What instances use, from samples of their guests.
 */
import type { InstanceStats } from "../domain/Resources.ts"
import type { GuestStats } from "../Virtualizer.ts"

/** The processor time of a guest at one moment of its life. */
export interface CpuSample {
  readonly cpuMillis: number
  readonly uptimeMillis: number
}

/** What was measured of an instance last, and by which measuring. It is kept with the instance, for there are many. */
export interface Usage {
  readonly measuring: number
  readonly cpu: CpuSample | undefined
  readonly stats: InstanceStats
}

/** The processor time of a sample, where the guest tells it. */
export const cpuSample = ({ cpuMillis, uptimeMillis }: GuestStats): CpuSample | undefined =>
  cpuMillis === undefined || uptimeMillis === undefined ? undefined : { cpuMillis, uptimeMillis }

const begin: CpuSample = { cpuMillis: 0, uptimeMillis: 0 }

/**
 * What an instance uses. The ratio is over the time since the sample before, or since its guest began where there is none,
 * where that one was of an earlier guest, and where no time has passed.
 */
export const instanceStats = (stats: GuestStats, vcpus: number, before: CpuSample | undefined): InstanceStats => {
  const { diskAllocatedBytes, diskVirtualBytes, memoryBytes } = stats
  const now = cpuSample(stats)
  const from = now !== undefined && before !== undefined && before.uptimeMillis < now.uptimeMillis &&
      before.cpuMillis <= now.cpuMillis
    ? before
    : begin
  // One object, for there are as many as instances.
  const uses: { -readonly [Key in keyof InstanceStats]: InstanceStats[Key] } = {}
  if (memoryBytes !== undefined) uses.memoryBytes = memoryBytes
  if (now !== undefined && now.uptimeMillis > 0) {
    uses.cpuRatio = (now.cpuMillis - from.cpuMillis) / (now.uptimeMillis - from.uptimeMillis) / vcpus
  }
  if (diskAllocatedBytes !== undefined) uses.diskAllocatedBytes = diskAllocatedBytes
  if (diskVirtualBytes !== undefined) uses.diskVirtualBytes = diskVirtualBytes
  return uses
}
