/**
 * What a container uses, as its engine counts.
 */
import type { Container, Stats } from "../../docker/Containers.ts"
import type { GuestStats } from "../../Virtualizer.ts"

const millisOf = (rfc3339: string): number | undefined => {
  const millis = Date.parse(rfc3339)
  return Number.isNaN(millis) ? undefined : millis
}

const counted = <Key extends keyof GuestStats>(key: Key, value: number | undefined): Pick<GuestStats, Key> | object =>
  value === undefined ? {} : { [key]: value }

/**
 * Memory without the page cache that the kernel gives back for the asking, processor time in all, age by the engine's own clock, and
 * what the container's own layer takes up on disk.
 */
export const of = ({ SizeRw, State }: Container, stats: Stats | undefined): GuestStats => {
  const disk = counted("diskAllocatedBytes", SizeRw ?? undefined)
  // It is ending, or the engine counts nothing.
  if (stats === undefined) return disk
  const { cpu_stats, memory_stats, read } = stats
  const usage = memory_stats?.usage
  const cache = memory_stats?.stats?.["inactive_file"] ?? 0
  const total = memory_stats?.stats?.["total_inactive_file"]
  const nanos = cpu_stats.cpu_usage.total_usage
  const [now, started] = [millisOf(read), millisOf(State.StartedAt)]
  return {
    ...counted("memoryBytes", usage === undefined ? undefined : Math.max(0, usage - (total ?? cache))),
    ...counted("cpuMillis", nanos === undefined ? undefined : Math.floor(nanos / 1_000_000)),
    ...counted("uptimeMillis", now === undefined || started === undefined ? undefined : Math.max(0, now - started)),
    ...disk
  }
}
