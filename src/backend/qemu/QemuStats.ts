/**
 * What a guest's process and disk use, read from the kernel and never asked of the guest.
 */
import { ByteSize, Effect, FileSystem, Option } from "effect"
import type { DiskFormat } from "../../domain/Volume.ts"
import type { GuestStats } from "../../Virtualizer.ts"
import { fail, NotRunning, type VirtualizerError } from "../../VirtualizerError.ts"
import * as Qcow2Header from "./Qcow2Header.ts"

/** The kernel counts in hundredths of a second towards programs, whatever it does inside (USER_HZ, proc(5)). */
const tickMillis = 10

/** What `/proc/PID/stat` says of a process. */
export interface ProcessStat {
  /** One letter; `Z` and `X` are dead. */
  readonly state: string
  readonly cpuMillis: number
  /** When it began, in time since the host booted. */
  readonly startMillis: number
}

/** Reads `/proc/PID/stat` (proc(5)). The name in it may hold anything, also spaces and parentheses. */
export const parseStat = (text: string): ProcessStat | undefined => {
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(/\s+/)
  const [state, userTicks, systemTicks, startTicks] = [
    fields[0],
    Number(fields[11]),
    Number(fields[12]),
    Number(fields[19])
  ]
  return state === undefined || ![userTicks, systemTicks, startTicks].every(Number.isSafeInteger) ? undefined : {
    state,
    cpuMillis: (userTicks + systemTicks) * tickMillis,
    startMillis: startTicks * tickMillis
  }
}

/** The bytes of one `Name:  123 kB` line, as `/proc/PID/smaps_rollup` and `/proc/PID/status` have them. */
export const parseKilobytes = (text: string, name: string): number | undefined => {
  const line = text.split("\n").find((line) => line.startsWith(`${name}:`))
  const match = line?.slice(name.length + 1).match(/^\s*(\d+) kB$/)
  return match ? Number(match[1]) * 1024 : undefined
}

/** Milliseconds since the host booted, from `/proc/uptime`. */
export const parseUptime = (text: string): number | undefined => {
  const match = text.match(/^(\d+)\.(\d\d) /)
  return match ? Number(match[1]) * 1000 + Number(match[2]) * 10 : undefined
}

/**
 * Memory, processor time and age of the process `pid`, as far as they can be read. Memory is proportional (PSS); where
 * that may not be read, it is what is resident. Fails with `NotRunning` when there is no such process, or only its zombie.
 */
export const ofProcess = Effect.fn("QemuStats.ofProcess")(
  function*(
    pid: number
  ): Effect.fn.Return<
    Pick<GuestStats, "memoryBytes" | "cpuMillis" | "uptimeMillis">,
    VirtualizerError,
    FileSystem.FileSystem
  > {
    const fs = yield* FileSystem.FileSystem
    const read = (path: string) => Effect.orElseSucceed(fs.readFileString(path), () => "")
    const stat = parseStat(yield* read(`/proc/${pid}/stat`))
    if (stat === undefined || stat.state === "Z" || stat.state === "X") return yield* fail(new NotRunning())
    const memoryBytes = parseKilobytes(yield* read(`/proc/${pid}/smaps_rollup`), "Pss") ??
      parseKilobytes(yield* read(`/proc/${pid}/status`), "VmRSS")
    const uptime = parseUptime(yield* read("/proc/uptime"))
    return {
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      cpuMillis: stat.cpuMillis,
      ...(uptime === undefined ? {} : { uptimeMillis: Math.max(0, uptime - stat.startMillis) })
    }
  }
)

/** The size of one block of `File.Info.blocks` (stat(2)). */
const blockBytes = 512

/** The sizes of the disk image `path`; absent where they can not be read. Works while a guest has it open. */
export const ofDisk = Effect.fn("QemuStats.ofDisk")(
  function*(
    path: string,
    format: DiskFormat
  ): Effect.fn.Return<
    Pick<GuestStats, "diskAllocatedBytes" | "diskVirtualBytes">,
    never,
    FileSystem.FileSystem
  > {
    const fs = yield* FileSystem.FileSystem
    const info = yield* Effect.option(fs.stat(path))
    if (Option.isNone(info)) return {}
    const { blocks, size } = info.value
    const virtual = format === "raw" ? Option.some(size) : yield* Effect.scoped(
      Effect.flatMap(fs.open(path), (file) => file.readAlloc(Qcow2Header.virtualSizeEnd))
    ).pipe(
      Effect.map(Option.flatMap(Qcow2Header.virtualSize)),
      Effect.orElseSucceed(() => Option.none())
    )
    const virtualBytes = Option.flatMap(virtual, ByteSize.toNumber)
    return {
      ...(Option.isSome(blocks) ? { diskAllocatedBytes: Number(blocks.value) * blockBytes } : {}),
      ...(Option.isSome(virtualBytes) ? { diskVirtualBytes: virtualBytes.value } : {})
    }
  }
)
