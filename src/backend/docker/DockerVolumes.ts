/**
 * The volumes of a container: file systems in files, mounted in the instance's directory of mounts, which the container sees. What
 * is mounted there is what it has; nothing else is remembered.
 */
import { existsSync, readdirSync, rmdir } from "node:fs"
import { Effect, FileSystem, Option, Path, Schedule, Schema } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Volume, VolumeId } from "../../domain/Volume.ts"
import * as Directories from "../../internal/Directories.ts"
import * as SystemFailure from "../../internal/SystemFailure.ts"
import {
  AttachFailed,
  DetachFailed,
  fail,
  HostFailure,
  ImageUnusable,
  NoSpace,
  NotSupported,
  PathRefused,
  type VirtualizerError
} from "../../VirtualizerError.ts"
import { type DockerConfig, volumesOf } from "./DockerConfig.ts"
import type { Services } from "./DockerHost.ts"
import * as Mounts from "./Mounts.ts"

const isVolumeId = Schema.is(VolumeId)

/** The volumes that are mounted for an instance now. Fails with `HostFailure`. */
export const mounted = (
  config: DockerConfig,
  id: InstanceId
): Effect.Effect<ReadonlyArray<VolumeId>, VirtualizerError> =>
  Effect.suspend(() => {
    const directory = volumesOf(config, id)
    // What is mounted on this host takes longer to read.
    return isEmpty(directory) ? Effect.succeed([]) : Effect.map(Mounts.all, (mounts) => {
      const names = mounts.flatMap(({ path }) =>
        path.startsWith(`${directory}/`) ? [path.slice(directory.length + 1)] : []
      )
      return [...new Set(names)].filter((name) => isVolumeId(name))
    })
  })

/** Whether nothing is in a directory, or there is none. */
const isEmpty = (directory: string): boolean => {
  try {
    return readdirSync(directory).length === 0
  } catch {
    return !existsSync(directory)
  }
}

/** Makes the directory that an instance's volumes are mounted in, if it is not there. Fails with `NoSpace` or `HostFailure`. */
export const makeDirectory = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId
): Effect.fn.Return<void, VirtualizerError, Services> {
  const path = volumesOf(config, id)
  if (existsSync(path)) return
  yield* Directories.make(path, 0o755).pipe(Effect.mapError(writeFailure(path)))
})

const writeFailure = (path: string) => (error: Parameters<typeof SystemFailure.wordsOf>[0]): VirtualizerError =>
  fail(
    SystemFailure.codeOf(error) === "ENOSPC"
      ? new NoSpace({ path })
      : new HostFailure({ detail: `${path} can not be made: ${SystemFailure.wordsOf(error)}` })
  )

/** Removes a directory if it is empty: what is in it may be a volume's, should that be mounted after all. */
const removeEmpty = (path: string): Effect.Effect<void, VirtualizerError> =>
  Effect.callback((resume) => {
    rmdir(path, (error) => {
      resume(
        error === null || error.code === "ENOENT"
          ? Effect.void
          : Effect.fail(fail(new HostFailure({ detail: `${path} can not be removed: ${error.message}` })))
      )
    })
  })

/** Removes an instance's directory of mounts. Nothing is to be mounted in it. Fails with `HostFailure`. */
export const removeDirectory = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId
): Effect.fn.Return<void, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const path = volumesOf(config, id)
  const names = yield* Effect.orElseSucceed(fs.readDirectory(path), () => [])
  yield* Effect.forEach([...names.map((name) => `${path}/${name}`), path], removeEmpty, { discard: true })
})

/** The file of a volume, with links resolved, when it is there and within the roots. Fails with `ImageUnusable` or `PathRefused`. */
const resolve = Effect.fnUntraced(function*(
  config: DockerConfig,
  { source: { format, path } }: Volume
): Effect.fn.Return<string, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const { relative } = yield* Path.Path
  const unusable = (detail: string) => fail(new ImageUnusable({ path, detail }))
  if (format !== "raw") return yield* unusable(`containers take raw volumes only: convert it (qemu-img convert -O raw)`)
  const real = yield* Effect.mapError(
    fs.realPath(path),
    (error) =>
      unusable(
        error.reason._tag === "NotFound" ? "there is no such file: put it there" : SystemFailure.wordsOf(error)
      )
  )
  const roots = [...config.roots, `${config.stateDirectory}/volumes`]
  const realRoots = yield* Effect.forEach(roots, (root) => Effect.option(fs.realPath(root)))
  const isWithin = realRoots.some(Option.exists((root) => {
    const rest = relative(root, real)
    return rest !== "" && rest !== ".." && !rest.startsWith("../")
  }))
  if (!isWithin) return yield* fail(new PathRefused({ path, roots }))
  const { type } = yield* Effect.mapError(fs.stat(real), (error) => unusable(SystemFailure.wordsOf(error)))
  return type === "File" ? real : yield* unusable("it is not a regular file: give the path of one")
})

/** Mounts a volume for an instance, if it is not. Undone when interrupted. */
const mount = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId,
  volume: Volume
): Effect.fn.Return<void, VirtualizerError, Services> {
  const file = yield* resolve(config, volume)
  if ((yield* mounted(config, id)).includes(volume.id)) return
  const directory = `${volumesOf(config, id)}/${volume.id}`
  yield* Directories.make(directory, 0o755).pipe(Effect.mapError(writeFailure(directory)))
  const complaint = yield* Mounts.mountFile(file, directory, volume)
  if (complaint !== undefined) {
    yield* Effect.ignore(removeEmpty(directory))
    return yield* fail(
      new ImageUnusable({
        path: volume.source.path,
        detail: `it could not be mounted (${complaint}): make a file system in it, such as by mkfs.ext4`
      })
    )
  }
})

/** Unmounts a volume and removes its directory. Answers why it could not. */
const unmount = Effect.fnUntraced(function*(config: DockerConfig, id: InstanceId, volume: VolumeId, lazily: boolean) {
  const directory = `${volumesOf(config, id)}/${volume}`
  const complaint = yield* Mounts.unmount(directory, { lazily })
  if (complaint !== undefined) return complaint
  yield* Effect.ignore(removeEmpty(directory))
  return undefined
})

/** How often what is in use is tried again. */
const tryAgainAfter = "100 millis"

/** How long what an ended container used may be in use: the kernel takes a moment to clean up after it. */
const lingerDeadline = "2 seconds"

/** Lets go of all volumes of a container that has ended. Does nothing where there are none. Fails with `HostFailure`. */
export const release = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId
): Effect.fn.Return<void, VirtualizerError, Services> {
  for (const volume of yield* mounted(config, id)) {
    const complaint = yield* unmount(config, id, volume, false).pipe(
      Effect.repeat({ until: (complaint) => complaint === undefined, schedule: Schedule.spaced(tryAgainAfter) }),
      Effect.timeoutOption(lingerDeadline)
    )
    // Somebody looks into it: it goes when they leave.
    if (Option.isNone(complaint)) yield* unmount(config, id, volume, true)
  }
}, Effect.uninterruptible)

/**
 * Mounts the volumes of a container that is about to start, and unmounts those that it is not to have. Fails with `ImageUnusable`,
 * `PathRefused`, `NoSpace` or `HostFailure`; then none is mounted.
 */
export const prepare = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId,
  volumes: ReadonlyArray<Volume>
): Effect.fn.Return<void, VirtualizerError, Services> {
  yield* release(config, id)
  yield* makeDirectory(config, id)
  yield* Effect.forEach(volumes, (volume) => mount(config, id, volume), { discard: true }).pipe(
    Effect.onError(() => Effect.ignore(release(config, id)))
  )
})

/** Mounts a volume where a running container sees it. Fails with `AttachFailed`, `ImageUnusable`, `PathRefused` … */
export const attach = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId,
  volume: Volume
): Effect.fn.Return<void, VirtualizerError, Services> {
  const before = yield* mounted(config, id)
  yield* mount(config, id, volume).pipe(
    Effect.onInterrupt(() =>
      before.includes(volume.id) ? Effect.void : Effect.ignore(unmount(config, id, volume.id, false))
    ),
    Effect.mapError((error) =>
      error.reason._tag === "HostFailure"
        ? fail(new AttachFailed({ volume: volume.id, detail: error.message }))
        : error
    )
  )
})

/** Takes a volume from a running container. Fails with `DetachFailed` as long as the container uses it. */
export const detach = Effect.fnUntraced(function*(
  config: DockerConfig,
  id: InstanceId,
  volume: VolumeId
): Effect.fn.Return<void, VirtualizerError, Services> {
  let last: string | undefined
  const once = Effect.gen(function*() {
    if (!(yield* mounted(config, id)).includes(volume)) return true
    last = yield* unmount(config, id, volume, false)
    return last === undefined
  })
  yield* once.pipe(
    Effect.repeat({ until: (isGone) => isGone, schedule: Schedule.spaced(tryAgainAfter) }),
    Effect.timeoutOrElse({
      duration: config.detachDeadline,
      orElse: () =>
        Effect.fail(fail(
          new DetachFailed({ volume, detail: `${last ?? "it takes too long"}: end what uses it in the container` })
        ))
    })
  )
})

/** What is said where volumes can not be attached to a running container. */
export const notLive = new NotSupported({
  what: "attaching volumes to a container that runs, where its volumes are not on a shared mount,"
})
