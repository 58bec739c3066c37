/**
 * What a process may use of the machine's memory, where control groups limit it:
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#memory and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as KernelText from "./KernelText.ts"

/** What a limited process may use in all, and what of it is left. */
export interface MemoryLimit {
  readonly totalBytes: number
  readonly availableBytes: number
}

/** The names of a version's files and of what it can take back at once, since files' pages that nobody used lately count too. */
const versions = {
  v1: { limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", reclaimable: "total_inactive_file" },
  v2: { limit: "memory.max", usage: "memory.current", reclaimable: "inactive_file" }
} as const

type Version = keyof typeof versions

/** A control group that limits a process. */
export interface Cgroup {
  readonly version: Version
  readonly directory: string
}

const read = (path: string): string | undefined => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    // No such group any more, or none that counts memory.
    return undefined
  }
}

/** A path of `/proc/PID/mountinfo`, where spaces and the like are written as three octal digits. */
const unescape = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** Where the groups of a version that count memory are mounted, and which of them is the root there. */
interface Mount {
  readonly version: Version
  readonly root: string
  readonly at: string
}

const mounts = (mountinfo: string): ReadonlyArray<Mount> =>
  mountinfo.split("\n").flatMap((line) => {
    // Optional fields stand before the dash, so that the type has no place of its own.
    const [mount = "", fileSystem = ""] = line.split(" - ")
    const [, , , root, at] = mount.split(" ")
    const [type, , options = ""] = fileSystem.split(" ")
    if (root === undefined || at === undefined) return []
    const isVersion1 = type === "cgroup" && options.split(",").includes("memory")
    const version = type === "cgroup2" ? "v2" : isVersion1 ? "v1" : undefined
    return version === undefined ? [] : [{ version, root: unescape(root), at: unescape(at) }]
  })

/** The path of the process's group in a version's tree, from `/proc/PID/cgroup`. */
const groupPath = (version: Version, cgroup: string): string | undefined => {
  for (const line of cgroup.split("\n")) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (version === "v2" ? id === "0" && controllers === "" : controllers?.split(",").includes("memory")) {
      return path
    }
  }
  return undefined
}

/** The group at `path` and those above it, as far as they can be seen. */
const lineage = (mount: Mount, path: string): ReadonlyArray<string> => {
  const below = Path.posix.relative(mount.root, path)
  // Another name space's path, or one outside of what is mounted: the root of what is mounted is the nearest that is seen.
  const names = below === ".." || below.startsWith("../") ? [] : below.split("/").filter((name) => name !== "")
  return Array.from({ length: names.length + 1 }, (_, depth) => Path.posix.join(mount.at, ...names.slice(0, depth)))
}

/** The groups that a process is in, all the way up. `process` is its directory of `/proc`. */
export const find = (process = "/proc/self"): ReadonlyArray<Cgroup> => {
  const cgroup = read(`${process}/cgroup`) ?? ""
  return mounts(read(`${process}/mountinfo`) ?? "").flatMap((mount) => {
    const path = groupPath(mount.version, cgroup)
    return path === undefined ? [] : lineage(mount, path).map((directory) => ({ directory, version: mount.version }))
  })
}

/** A file that holds a number. In version 2 `max` stands for no limit; in version 1 a number beyond every machine does. */
const readNumber = (path: string): number | undefined => {
  const text = read(path)?.trim() ?? ""
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/**
 * The least that the groups leave a process, of a machine with `machineBytes`. Nothing where none of them limits it to less.
 * Synchronous: these are few small files that the kernel makes up when they are read.
 */
export const limit = (cgroups: ReadonlyArray<Cgroup>, machineBytes: number): MemoryLimit | undefined => {
  let totalBytes = machineBytes
  let availableBytes = machineBytes
  for (const { directory, version } of cgroups) {
    const names = versions[version]
    const limitBytes = readNumber(`${directory}/${names.limit}`)
    if (limitBytes === undefined || limitBytes >= machineBytes) continue
    const usedBytes = readNumber(`${directory}/${names.usage}`) ?? 0
    const reclaimableBytes = KernelText.numberAfter(names.reclaimable, read(`${directory}/memory.stat`) ?? "") ?? 0
    totalBytes = Math.min(totalBytes, limitBytes)
    // Between two readings both may change.
    const heldBytes = Math.max(0, usedBytes - reclaimableBytes)
    availableBytes = Math.min(availableBytes, Math.max(0, limitBytes - heldBytes))
  }
  return totalBytes === machineBytes ? undefined : { totalBytes, availableBytes }
}
