/**
 * Files that are there whole or not at all, also after a crash of the machine.
 */
import { Effect, FileSystem, Path, type PlatformError, type Scope } from "effect"

const suffix = ".partial"

/** Whether a name is that of a file that was being written when its writer ended. */
export const isPartial = (name: string): boolean => name.endsWith(suffix)

/** An open directory whose entries can be made durable. */
export interface Directory {
  readonly sync: Effect.Effect<void, PlatformError.PlatformError>
}

/** Opens a directory for as long as the scope is. */
export const openDirectory = (
  path: string
): Effect.Effect<Directory, PlatformError.PlatformError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.open(path))

/**
 * Writes `text` to a file of `directory`: to a temporary file, fsync, rename, fsync of the directory. When that fails or is
 * interrupted the file is as it was, or is the new one. One file must not be written twice at a time.
 */
export const write = (
  path: string,
  text: string,
  directory: Directory
): Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => {
    const partial = `${path}${suffix}`
    const bytes = new TextEncoder().encode(text)
    return Effect.scoped(Effect.gen(function*() {
      const file = yield* fs.open(partial, { flag: "w", mode: 0o600 })
      yield* file.writeAll(bytes)
      yield* file.sync
      yield* fs.rename(partial, path)
    })).pipe(
      Effect.onError(() => Effect.ignore(fs.remove(partial, { force: true }))),
      Effect.andThen(directory.sync)
    )
  })

/** Like {@link write}, for a file that is written seldom. */
export const replace = (
  path: string,
  text: string
): Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.scoped(Effect.gen(function*() {
    const { dirname } = yield* Path.Path
    yield* write(path, text, yield* openDirectory(dirname(path)))
  }))
