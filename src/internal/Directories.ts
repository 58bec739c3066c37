/**
 * Directories that are made with those above them.
 */
import { Effect, FileSystem, Path, type PlatformError } from "effect"

/**
 * Makes a directory, and those above it that are not there, all of them with this mode, less what whoever runs this masks. Succeeds
 * where it is there. Fails as the file system does, and then what it made above it is left.
 *
 * Node's own way of making several never ends where the kernel says of one that its place is not there, which is: below /proc.
 */
export const make = Effect.fnUntraced(function*(
  directory: string,
  mode: number
): Effect.fn.Return<void, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  const one = fs.makeDirectory(directory, { mode }).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "AlreadyExists",
      (error) =>
        Effect.flatMap(fs.stat(directory), ({ type }) => type === "Directory" ? Effect.void : Effect.fail(error))
    )
  )
  const above = dirname(directory)
  yield* Effect.catchIf(
    one,
    ({ reason }) => reason._tag === "NotFound" && above !== directory,
    () => Effect.andThen(make(above, mode), one)
  )
})
