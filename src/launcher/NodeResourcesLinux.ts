/**
 * What this machine has, as its kernel tells it.
 */
import { Effect, Layer, Predicate } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import type { Nic, NodeSample } from "../domain/NodeSample.ts"
import * as CgroupMemory from "../internal/CgroupMemory.ts"
import * as KernelText from "../internal/KernelText.ts"
import { NodeResources, NodeResourcesError } from "./NodeResources.ts"

const failed = (what: string) => (cause: unknown) =>
  new NodeResourcesError({ message: `${what}: ${Predicate.isError(cause) ? cause.message : String(cause)}` })

/** A value of one of the kernel's texts, which are made in memory when they are read: that takes microseconds. */
const told = <A>(path: string, parse: (text: string) => A | undefined): A => {
  const value = parse(Fs.readFileSync(path, "utf8"))
  if (value === undefined) {
    throw new Error(`${path} does not say it as Linux does: is it that of a container or emulator?`)
  }
  return value
}

/** Whether it leads beyond its own link. Every tap of a guest has one that does not. */
const isReachable = ({ address, family, internal }: Os.NetworkInterfaceInfo): boolean =>
  !internal && !(family === "IPv6" && /^fe[89ab]/i.test(address))

const nics = (): ReadonlyArray<Nic> =>
  Object.entries(Os.networkInterfaces()).flatMap(([name, infos = []]) => {
    const reachable = infos.filter(isReachable)
    const [first] = reachable
    return first === undefined ? [] : [{ name, mac: first.mac, addresses: reachable.map(({ address }) => address) }]
  })

const memory = (cgroups: ReadonlyArray<CgroupMemory.Cgroup>) => {
  const [total, available] = told("/proc/meminfo", (text) => {
    const total = KernelText.memoryBytes("MemTotal", text)
    const available = KernelText.memoryBytes("MemAvailable", text)
    return total === undefined || available === undefined ? undefined : [total, available] as const
  })
  const limit = CgroupMemory.limit(cgroups, total)
  return {
    memoryTotalBytes: limit?.totalBytes ?? total,
    memoryAvailableBytes: Math.min(limit?.availableBytes ?? total, available)
  }
}

const machine = (cgroups: ReadonlyArray<CgroupMemory.Cgroup>) => ({
  hostname: Os.hostname(),
  ...memory(cgroups),
  loadAverage: told("/proc/loadavg", KernelText.loadAverage),
  cpusOnline: Os.availableParallelism(),
  descriptorsMax: told("/proc/self/limits", KernelText.openFilesMax),
  nics: nics()
})

/** On the thread pool, since the server of a network's file system can hang. */
const disk = (path: string) =>
  Effect.map(
    Effect.tryPromise({
      try: () => Fs.promises.statfs(path, { bigint: true }),
      catch: failed(`the space of ${path} can not be told: make the directory, or mount it again`)
    }),
    ({ bavail, blocks, bsize, frsize }) => {
      // Blocks are counted in fragments. Not every Node tells their size, which nearly always is a block's.
      const unit = frsize > 0n ? frsize : bsize
      const bytes = (count: bigint) => Math.min(Number(count * unit), Number.MAX_SAFE_INTEGER)
      return { diskTotalBytes: bytes(blocks), diskAvailableBytes: bytes(bavail) }
    }
  )

/**
 * What this machine has, its disk being that of `stateDirectory`, an absolute path. Where control groups (version 1 or 2) limit
 * this process to less memory, that is what there is. Sources: `/proc/meminfo`, `/proc/loadavg`, `/proc/self/limits`, the
 * control groups this process is in at first, statfs(2), getifaddrs(3), sched_getaffinity(2).
 */
export const make = Effect.fnUntraced(function*(
  stateDirectory: string
): Effect.fn.Return<NodeResources["Service"]> {
  const cgroups = yield* Effect.sync(() => CgroupMemory.find())
  const sample: Effect.Effect<NodeSample, NodeResourcesError> = Effect.gen(function*() {
    const space = yield* disk(stateDirectory)
    const rest = yield* Effect.try({
      try: () => machine(cgroups),
      catch: failed("what this machine has can not be told, for which Linux and its /proc are needed")
    })
    return { ...rest, ...space }
  })
  return { sample }
})

/** Like {@link make}, as a layer. */
export const layer = (stateDirectory: string): Layer.Layer<NodeResources> =>
  Layer.effect(NodeResources, make(stateDirectory))
