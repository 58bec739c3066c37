/**
 * What a guest's process and disk use, read from the kernel and never asked of the guest.
 */
import { Effect, type FileSystem } from "effect"
import type { DiskFormat } from "../../domain/Volume.ts"
import type { GuestStats } from "../../Virtualizer.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"

/**
 * Memory, processor time and age of the process `pid`, as far as they can be read. Fails with `NotRunning` when there is
 * no such process, or only its zombie.
 */
export const ofProcess = Effect.fn("QemuStats.ofProcess")(
  function*(
    pid: number
  ): Effect.fn.Return<
    Pick<GuestStats, "memoryBytes" | "cpuMillis" | "uptimeMillis">,
    VirtualizerError,
    FileSystem.FileSystem
  > {
    return yield* Effect.die(pid)
  }
)

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
    return yield* Effect.die([path, format])
  }
)
