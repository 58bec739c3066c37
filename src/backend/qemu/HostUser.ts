/**
 * The unprivileged user that guests run as, and what that user can reach.
 */
import { Effect, FileSystem, Option, Path } from "effect"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as HostFiles from "./HostFiles.ts"
import type { QemuConfig } from "./QemuConfig.ts"

/** Whom guests run as. */
export interface HostUser {
  readonly uid: number
  readonly gid: number
  /** This process is root, and gives up its privileges for a guest; otherwise guests run as who we are. */
  readonly switched: boolean
}

/** Whom guests run as: the configured user when this process is root, otherwise this process's own. */
export const make = Effect.fn("HostUser.make")(
  function*(config: QemuConfig): Effect.fn.Return<HostUser, VirtualizerError, FileSystem.FileSystem> {
    const fs = yield* FileSystem.FileSystem
    const self = yield* fs.stat("/proc/self").pipe(Effect.mapError(HostFiles.readFailure("/proc/self")))
    const uid = Option.getOrElse(self.uid, () => 0)
    const gid = Option.getOrElse(self.gid, () => 0)
    return uid === 0 ? { ...config.user, switched: true } : { uid, gid, switched: false }
  }
)

/**
 * The command line that runs `command` as that user: without privileges, and unable to gain any (setpriv of util-linux).
 * `groups` are the supplementary groups it keeps, such as that of `/dev/kvm`; only root can give them.
 */
export const command = (
  user: HostUser,
  command: ReadonlyArray<string>,
  groups: ReadonlyArray<number> = []
): ReadonlyArray<string> => [
  "setpriv",
  "--no-new-privs",
  ...(user.switched
    ? [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
      "--bounding-set=-all",
      "--inh-caps=-all"
    ]
    : []),
  "--",
  ...command
]

/**
 * Makes sure that `path` is a directory of the guest's user that nobody else can enter (0700). Its parents must exist.
 * Fails with `NoSpace` or `HostFailure`.
 */
export const ensureDirectory = Effect.fn("HostUser.ensureDirectory")(
  function*(user: HostUser, path: string): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(path, { mode: 0o700 }).pipe(
      Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void),
      Effect.mapError(HostFiles.writeFailure(path))
    )
    yield* give(user, path, 0o700)
  }
)

/**
 * Hands a file or directory to the guest's user, with this mode. Fails with `HostFailure`.
 */
export const give = Effect.fn("HostUser.give")(
  function*(user: HostUser, path: string, mode: number): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
    const fs = yield* FileSystem.FileSystem
    // The mode comes first: nobody but root may have the file in between.
    yield* fs.chmod(path, mode).pipe(
      Effect.andThen(user.switched ? fs.chown(path, user.uid, user.gid) : Effect.void),
      Effect.mapError(HostFiles.writeFailure(path))
    )
  }
)

/**
 * Makes sure that the guest's user can search every directory on the way to `path`, which must be absolute and resolved.
 * Fails with `HostFailure` that names the directory and says what to do. Changes nothing.
 */
export const checkReachable = Effect.fn("HostUser.checkReachable")(
  function*(
    user: HostUser,
    path: string
  ): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    return yield* Effect.die([user, path])
  }
)

/**
 * Makes sure that the guest's user can reach and read the file `path` (`"read"`), or also write it (`"write"`).
 * Fails with `ImageUnusable`, or `HostFailure` for a directory on the way, which say what to do. Changes nothing.
 */
export const checkAccess = Effect.fn("HostUser.checkAccess")(
  function*(
    user: HostUser,
    path: string,
    access: "read" | "write"
  ): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    return yield* Effect.die([user, path, access])
  }
)
