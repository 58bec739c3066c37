/**
 * The unprivileged user that guests run as, and what that user can reach.
 */
import { Effect, FileSystem, Option, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { fail, HostFailure, ImageUnusable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as HostCommand from "./HostCommand.ts"
import * as HostFiles from "./HostFiles.ts"
import type { QemuConfig } from "./QemuConfig.ts"

type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

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
): readonly [string, ...ReadonlyArray<string>] => [
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
  function*(
    user: HostUser,
    path: string,
    mode: number
  ): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
    const fs = yield* FileSystem.FileSystem
    // The mode comes first: nobody but root may have the file in between.
    yield* fs.chmod(path, mode).pipe(
      Effect.andThen(user.switched ? fs.chown(path, user.uid, user.gid) : Effect.void),
      Effect.mapError(HostFiles.writeFailure(path))
    )
  }
)

/** The bits of a mode that permit reading, writing, and running or searching. */
const bits = { read: 4, write: 2, search: 1 } as const

type Access = keyof typeof bits

/** Whether the mode permits it. Who was given access by an access control list is not seen here. */
const permits = (user: HostUser, info: FileSystem.File.Info, access: Access): boolean => {
  const shift = Option.contains(info.uid, user.uid) ? 6 : Option.contains(info.gid, user.gid) ? 3 : 0
  return ((info.mode >> shift) & bits[access]) !== 0
}

const testTool: HostCommand.Tool = { name: "setpriv", package: "util-linux" }

const testFlag = { read: "-r", write: "-w", search: "-x" } as const

/** Asks the kernel whether the user may, which is slower and knows of access control lists and of who we are. */
const mayAccess = Effect.fnUntraced(function*(user: HostUser, path: string, access: Access) {
  const [, ...args] = command(user, ["test", testFlag[access], path])
  const outcome = yield* HostCommand.run(testTool, args)
  return outcome.code === 0
})

/** Every directory on the way to an absolute path, from the topmost. */
const ancestors = (dirname: (path: string) => string, path: string): ReadonlyArray<string> => {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestors(dirname, parent), parent]
}

/**
 * Makes sure that the guests' user can search every directory on the way to `path`, which must be absolute and resolved.
 * Fails with `HostFailure` that names the directory and says what to do. Changes nothing.
 */
export const checkReachable = Effect.fn("HostUser.checkReachable")(
  function*(
    user: HostUser,
    path: string
  ): Effect.fn.Return<void, VirtualizerError, Services> {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    for (const directory of ancestors(dirname, path)) {
      const info = yield* fs.stat(directory).pipe(Effect.mapError(HostFiles.readFailure(directory)))
      if (permits(user, info, "search") || (yield* mayAccess(user, directory, "search"))) continue
      return yield* fail(
        new HostFailure({
          detail: `guests run as user ${user.uid}, who may not search ${directory} on the way to ${path}: ` +
            `permit it with chmod o+x ${directory}, or use another directory`
        })
      )
    }
  }
)

/**
 * Makes sure that the guests' user can reach and read the file `path` (`"read"`), or read and write it (`"write"`).
 * Fails with `ImageUnusable`, or `HostFailure` for a directory on the way, which say what to do. Changes nothing.
 */
export const checkAccess = Effect.fn("HostUser.checkAccess")(
  function*(
    user: HostUser,
    path: string,
    access: "read" | "write"
  ): Effect.fn.Return<void, VirtualizerError, Services> {
    const fs = yield* FileSystem.FileSystem
    yield* checkReachable(user, path)
    const info = yield* fs.stat(path).pipe(Effect.mapError(HostFiles.readFailure(path)))
    for (const needed of access === "read" ? (["read"] as const) : (["read", "write"] as const)) {
      if (permits(user, info, needed) || (yield* mayAccess(user, path, needed))) continue
      return yield* fail(
        new ImageUnusable({
          path,
          detail: `guests run as user ${user.uid}, who may not ${needed} it: permit it with ` +
            (needed === "read" ? "chmod o+r" : `chown ${user.uid}`)
        })
      )
    }
  }
)

/**
 * Makes sure that the guests' user can read and write a volume: as root it is handed over to that user, who from then on
 * owns it, unless it can be written already. Fails like {@link checkAccess}.
 */
export const handOver = Effect.fn("HostUser.handOver")(
  function*(user: HostUser, path: string): Effect.fn.Return<void, VirtualizerError, Services> {
    const fs = yield* FileSystem.FileSystem
    yield* checkReachable(user, path)
    const info = yield* fs.stat(path).pipe(Effect.mapError(HostFiles.readFailure(path)))
    const enough = permits(user, info, "read") && permits(user, info, "write")
    if (user.switched && !enough) yield* give(user, path, (info.mode & 0o777) | 0o600)
    return yield* checkAccess(user, path, "write")
  }
)
