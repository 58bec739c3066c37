/**
 * The paths of this host that guests may use.
 */
import { Effect, FileSystem, Option, Path } from "effect"
import { fail, ImageUnusable, PathRefused, type VirtualizerError } from "../../VirtualizerError.ts"
import * as HostFiles from "./HostFiles.ts"
import type { QemuConfig } from "./QemuConfig.ts"

/** The directories that guests' files must be in: the configured ones, and the state directory's own. */
export const roots = (config: QemuConfig): ReadonlyArray<string> => [
  ...config.roots,
  `${config.stateDirectory}/volumes`,
  `${config.stateDirectory}/images`
]

/** A directory with every link resolved. One that does not exist holds nothing. */
const realDirectory = (directory: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.option(fs.realPath(directory)))

/** Whether one resolved path is within another. */
const holds = (relative: (from: string, to: string) => string, directory: string, real: string): boolean => {
  const rest = relative(directory, real)
  return rest !== "" && rest !== ".." && !rest.startsWith("../")
}

/** Whether a resolved path is within a directory, which is resolved too. */
export const isWithin = Effect.fnUntraced(
  function*(real: string, directory: string): Effect.fn.Return<boolean, never, FileSystem.FileSystem | Path.Path> {
    const { relative } = yield* Path.Path
    return Option.exists(yield* realDirectory(directory), (directory) => holds(relative, directory, real))
  }
)

/**
 * The real path of a regular file, with every symbolic link and `..` resolved, when that is within one of the roots.
 * The roots are resolved too; one that does not exist holds nothing. Use the answer and not what was asked for, or a
 * link can be changed in between.
 *
 * Fails with `PathRefused` when it leads elsewhere, and with `ImageUnusable` when there is no such file, when it is no
 * regular file, or when this process may not look at it. Changes nothing.
 */
export const resolve = Effect.fn("HostPaths.resolve")(
  function*(
    path: string,
    roots: ReadonlyArray<string>
  ): Effect.fn.Return<string, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    const fs = yield* FileSystem.FileSystem
    const { isAbsolute, relative } = yield* Path.Path
    const unusable = (detail: string) => fail(new ImageUnusable({ path, detail }))
    const whyNot = HostFiles.describe({
      NotFound: "there is no such file: put it there, or correct the path",
      PermissionDenied: "a directory on the way to it may not be searched by this process: permit it, or move the file"
    })
    if (!isAbsolute(path) || path.includes("\0")) {
      return yield* unusable("it is not an absolute path: write it in full, from / on")
    }
    const [real, realRoots] = yield* Effect.all([
      fs.realPath(path).pipe(Effect.mapError((error) => unusable(whyNot(error)))),
      Effect.forEach(roots, realDirectory, { concurrency: "unbounded" })
    ], { concurrency: "unbounded" })
    if (!realRoots.some(Option.exists((root) => holds(relative, root, real)))) {
      return yield* fail(new PathRefused({ path, roots }))
    }
    const info = yield* fs.stat(real).pipe(Effect.mapError((error) => unusable(whyNot(error))))
    if (info.type !== "File") return yield* unusable("it is not a regular file: give the path of one")
    return real
  }
)
