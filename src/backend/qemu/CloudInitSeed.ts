/**
 * The small read-only disk on which cloud-init finds an instance's data.
 * https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html and …/configdrive.html
 */
import { Effect, type FileSystem, type Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { CloudInit } from "../../domain/CloudInit.ts"
import type { InstanceId, InstanceName } from "../../domain/InstanceId.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import type { HostUser } from "./HostUser.ts"

/**
 * Makes `target` the seed of an instance: an ISO 9660 image that the guest's user alone can read (0600), the same bytes
 * for the same data. User data and meta data are in it byte for byte. A file that is there is replaced. Interruption or failure leave
 * nothing, and what was there as it was.
 *
 * Fails with `NoSpace` or `HostFailure`. Needs genisoimage (Debian package genisoimage).
 */
export const create = Effect.fn("CloudInitSeed.create")(
  function*(options: {
    readonly cloudInit: CloudInit
    readonly id: InstanceId
    readonly name?: InstanceName | undefined
    readonly target: string
    readonly user: HostUser
  }): Effect.fn.Return<
    void,
    VirtualizerError,
    FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
  > {
    return yield* Effect.die(options)
  }
)
