/**
 * The firmware that a guest boots with.
 */
import { Effect, FileSystem, type Path } from "effect"
import type { Firmware } from "../../domain/InstanceSpec.ts"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"
import * as HostFiles from "./HostFiles.ts"
import * as HostUser from "./HostUser.ts"

/** The two flash chips of a UEFI guest (OVMF). Both are raw, and of the size the machine needs. */
export interface Flash {
  /** The firmware itself, shared and only read. */
  readonly code: string
  /** The guest's own variables, which it writes. */
  readonly variables: string
}

/** Where Debian's package ovmf has them. */
const code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
const template = "/usr/share/OVMF/OVMF_VARS_4M.fd"

/**
 * What QEMU needs for this firmware: nothing for `legacy`, which is built in, and for `efi` OVMF with variables of the
 * guest's own at `variables`, copied from OVMF's when there are none yet. Interruption or failure leave no variables.
 * Only who may be trusted may write to their directory.
 *
 * Fails with `HostFailure` when OVMF is not installed (Debian package ovmf), or `NoSpace`.
 */
export const prepare = Effect.fn("Firmware.prepare")(
  function*(options: {
    readonly firmware: Firmware
    readonly variables: string
    readonly user: HostUser.HostUser
  }): Effect.fn.Return<Flash | undefined, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    const fs = yield* FileSystem.FileSystem
    const { firmware, variables, user } = options
    if (firmware === "legacy") return undefined
    for (const file of [code, template]) {
      yield* fs.stat(file).pipe(
        Effect.mapError((error) =>
          fail(
            new HostFailure({
              detail: error.reason._tag === "NotFound"
                ? `UEFI firmware is not installed: ${file} is missing: install it (Debian package ovmf)`
                : `${file} can not be read: ${HostFiles.describe({})(error)}`
            })
          )
        )
      )
    }
    const kept = yield* fs.exists(variables).pipe(Effect.mapError(HostFiles.readFailure(variables)))
    if (!kept) {
      yield* HostFiles.produce(variables, (temporary) =>
        fs.copyFile(template, temporary).pipe(
          Effect.mapError(HostFiles.writeFailure(variables)),
          Effect.andThen(HostUser.give(user, temporary, 0o600))
        ))
    }
    return { code, variables }
  }
)
