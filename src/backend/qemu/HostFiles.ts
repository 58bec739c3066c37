/**
 * Writing files of this host so that they are there whole or not at all, and saying why that failed.
 */
import { Effect, FileSystem, Path, type PlatformError } from "effect"
import * as Directories from "../../internal/Directories.ts"
import * as SystemFailure from "../../internal/SystemFailure.ts"
import { fail, HostFailure, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"

/** Words for a failure: those given for its kind, else the operating system's. */
export const describe =
  (words: { readonly NotFound?: string; readonly PermissionDenied?: string }) =>
  (error: PlatformError.PlatformError): string => {
    const tag = error.reason._tag
    return (tag === "NotFound" || tag === "PermissionDenied" ? words[tag] : undefined) ??
      SystemFailure.wordsOf(error)
  }

/** The failure to write below `path`: `NoSpace` on a full disk or quota, else `HostFailure` that names the path. */
export const writeFailure = (path: string) => (error: PlatformError.PlatformError): VirtualizerError => {
  switch (SystemFailure.codeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return fail(new NoSpace({ path }))
    case "EROFS":
      return fail(new HostFailure({ detail: `${path} can not be written: its file system is read-only: remount it` }))
    default:
      return fail(
        new HostFailure({
          detail: `${path} can not be written: ${
            describe({
              NotFound: "its directory does not exist: create it",
              PermissionDenied: "permission denied: run as a user who may, or use another state directory"
            })(error)
          }`
        })
      )
  }
}

/** The failure to read `path`: `HostFailure` that names it. */
export const readFailure = (path: string) => (error: PlatformError.PlatformError): VirtualizerError =>
  fail(
    new HostFailure({
      detail: `${path} can not be read: ${
        describe({
          NotFound: "it does not exist",
          PermissionDenied: "permission denied: run as a user who may"
        })(error)
      }`
    })
  )

/** Makes a directory, and those it is in, where they are not there. Fails with `NoSpace` or `HostFailure`. */
export const makeDirectory = (
  path: string
): Effect.Effect<void, VirtualizerError, FileSystem.FileSystem | Path.Path> =>
  Effect.mapError(Directories.make(path, 0o777), writeFailure(path))

/**
 * Makes the file `target`: `write` is given the path of a temporary file next to it, which becomes `target` once it
 * and its directory are on disk. When `write` fails or is interrupted the temporary file is removed and `target` is as
 * it was. The temporary name is always the same, so what a killed process left is written over; callers must not make
 * one target twice at a time.
 */
export const produce = <E, R>(
  target: string,
  write: (temporary: string) => Effect.Effect<void, E, R>
): Effect.Effect<void, E | VirtualizerError, R | FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const temporary = `${target}.partial`
    const remove = Effect.ignore(fs.remove(temporary, { force: true }))
    const sync = (path: string) => Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.sync))
    const commit = sync(temporary).pipe(
      Effect.andThen(fs.rename(temporary, target)),
      Effect.andThen(sync(dirname(target))),
      Effect.mapError(writeFailure(target))
    )
    yield* remove
    yield* write(temporary).pipe(Effect.andThen(commit), Effect.onError(() => remove))
  })
