/**
 * The firmware that a guest boots with.
 */
import { Effect, type FileSystem, type Path } from "effect"
import type { Firmware } from "../../domain/InstanceSpec.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import type { HostUser } from "./HostUser.ts"

/** The two flash chips of a UEFI guest (OVMF). Both are raw, and of the size the machine needs. */
export interface Flash {
  /** The firmware itself, shared and only read. */
  readonly code: string
  /** The guest's own variables, which it writes. */
  readonly variables: string
}

/**
 * What QEMU needs for this firmware: nothing for `legacy`, which is built in, and for `efi` OVMF with variables of the
 * guest's own at `variables`, copied from OVMF's when there are none yet. Interruption or failure leave no variables.
 *
 * Fails with `HostFailure` when OVMF is not installed (Debian package ovmf), or `NoSpace`.
 */
export const prepare = Effect.fn("Firmware.prepare")(
  function*(options: {
    readonly firmware: Firmware
    readonly variables: string
    readonly user: HostUser
  }): Effect.fn.Return<Flash | undefined, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    return yield* Effect.die(options)
  }
)
