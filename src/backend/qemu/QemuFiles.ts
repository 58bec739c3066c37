/**
 * The files of one guest: what it boots from, what is made for it, and the command line that opens them.
 */
import { ByteSize, Effect, FileSystem, Option, Stream } from "effect"
import type { BootSource, ImageProgress } from "../../domain/Image.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { BootConfig } from "../../Virtualizer.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as CloudInitSeed from "./CloudInitSeed.ts"
import * as Firmware from "./Firmware.ts"
import * as HostFiles from "./HostFiles.ts"
import * as HostPaths from "./HostPaths.ts"
import * as HostUser from "./HostUser.ts"
import * as KvmProbe from "./KvmProbe.ts"
import * as QemuArguments from "./QemuArguments.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"
import type { QemuHost, Services } from "./QemuHost.ts"
import * as QemuImage from "./QemuImage.ts"
import * as QemuVolume from "./QemuVolume.ts"

type KernelSource = Extract<BootSource, { readonly kind: "kernel" }>
type ImageSource = Extract<BootSource, { readonly kind: "image" }>

/**
 * Makes sure that what an instance boots from is there, sound and permitted. A volume is looked at when it is resolved.
 * Fails with `ImageUnusable`, `PathRefused` or `HostFailure`.
 */
export const checkSource = (
  host: QemuHost,
  { boot }: InstanceSpec
): Stream.Stream<ImageProgress, VirtualizerError, Services> => {
  switch (boot.kind) {
    case "image":
      return Stream.fromEffect(Effect.gen(function*() {
        const image = yield* inspectBase(host, boot)
        yield* QemuImage.verify(image)
        return yield* whole(image.layers.map(({ path }) => path))
      }))
    case "kernel":
      return Stream.fromEffect(Effect.gen(function*() {
        const { initrd, path } = yield* resolveKernel(host, boot)
        const paths = initrd === undefined ? [path] : [path, initrd]
        yield* Effect.forEach(paths, (file) => HostUser.checkAccess(host.user, file, "read"), {
          concurrency: "unbounded",
          discard: true
        })
        return yield* whole(paths)
      }))
    case "volume":
    case "container":
      return Stream.empty
  }
}

const inspectBase = Effect.fnUntraced(function*(
  host: QemuHost,
  { format, path }: ImageSource
): Effect.fn.Return<QemuImage.QemuImage, VirtualizerError, Services> {
  const image = yield* QemuImage.inspect(path, format, HostPaths.roots(host.config))
  yield* QemuVolume.checkReadable(host, image)
  return image
})

const resolveKernel = Effect.fnUntraced(function*(
  host: QemuHost,
  { initrd, kernel }: KernelSource
): Effect.fn.Return<{ readonly path: string; readonly initrd: string | undefined }, VirtualizerError, Services> {
  const resolve = (path: string) => HostPaths.resolve(path, HostPaths.roots(host.config))
  const [path, initrdPath] = yield* Effect.all(
    [resolve(kernel), initrd === undefined ? Effect.undefined : resolve(initrd)],
    { concurrency: "unbounded" }
  )
  return { path, initrd: initrdPath }
})

/** The progress of files that are all there. */
const whole = Effect.fnUntraced(function*(
  paths: ReadonlyArray<string>
): Effect.fn.Return<ImageProgress, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const sizes = yield* Effect.forEach(paths, (path) => Effect.mapError(fs.stat(path), HostFiles.readFailure(path)), {
    concurrency: "unbounded"
  })
  const bytes = sizes.reduce((sum, { size }) => sum + Option.getOrElse(ByteSize.toNumber(size), () => 0), 0)
  return { doneBytes: bytes, totalBytes: bytes }
})

/** The files that a start needs. */
const needed = (directory: QemuDirectory, { boot, cloudInit, firmware }: InstanceSpec): ReadonlyArray<string> => [
  ...(boot.kind === "image" ? [directory.disk] : []),
  ...(cloudInit === undefined ? [] : [directory.seed]),
  ...(firmware === "efi" ? [directory.firmwareVariables] : [])
]

/** Whether all is there that {@link create} makes. */
export const isComplete = Effect.fnUntraced(function*(
  directory: QemuDirectory,
  spec: InstanceSpec
): Effect.fn.Return<boolean, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const present = yield* Effect.forEach(
    [directory.path, ...needed(directory, spec)],
    (path) => Effect.mapError(fs.exists(path), HostFiles.readFailure(path))
  )
  return present.every((isThere) => isThere)
})

/**
 * Looks at the volumes, and makes the directories, the disk, the seed and the firmware's variables of a guest. What exists of disk and variables is
 * kept. Failed or interrupted, it removes what it made.
 *
 * Fails with `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`.
 */
export const create = Effect.fn("QemuFiles.create")(function*(
  host: QemuHost,
  directory: QemuDirectory,
  spec: InstanceSpec,
  { volumes }: BootConfig
): Effect.fn.Return<void, VirtualizerError, Services> {
  const { boot, cloudInit, firmware, id, name } = spec
  const fs = yield* FileSystem.FileSystem
  const present = (path: string) => Effect.mapError(fs.exists(path), HostFiles.readFailure(path))
  // What is wrong with a volume is better told now, while the instance can still be undone, than by the launch.
  yield* Effect.forEach(volumes, (volume) => QemuVolume.prepare(host, volume), { concurrency: 4, discard: true })
  const isNew = !(yield* present(directory.path))
  const hadDisk = yield* present(directory.disk)
  const undo = isNew
    ? Effect.ignore(remove(directory))
    : hadDisk
    ? Effect.void
    : Effect.ignore(fs.remove(directory.disk, { force: true }))
  yield* Effect.gen(function*() {
    yield* ensureDirectories(host, directory)
    yield* HostUser.checkReachable(host.user, directory.pidFile)
    yield* Effect.all([
      boot.kind === "image" && !hadDisk
        ? Effect.flatMap(
          inspectBase(host, boot),
          (base) => QemuImage.createOverlay({ base, target: directory.disk, size: boot.size, user: host.user })
        )
        : Effect.void,
      cloudInit === undefined
        ? Effect.void
        : CloudInitSeed.create({ cloudInit, id, name, target: directory.seed, user: host.user }),
      Firmware.prepare({ firmware, variables: directory.firmwareVariables, user: host.user })
    ], { concurrency: "unbounded", discard: true })
  }).pipe(Effect.onError(() => undo))
})

/**
 * Removes all files of a guest. Succeeds when there are none. Once begun it goes through, also when it is interrupted: what the
 * kernel was told to remove it removes. Fails with `HostFailure`.
 */
export const remove = Effect.fn("QemuFiles.remove")(function*(
  directory: QemuDirectory
): Effect.fn.Return<void, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const removeAll = (path: string) =>
    Effect.mapError(fs.remove(path, { recursive: true, force: true }), HostFiles.writeFailure(path))
  // By the guest's own directory is known that anything is there: it goes last.
  if (directory.sockets !== directory.run) yield* removeAll(directory.sockets)
  yield* removeAll(directory.path)
}, Effect.uninterruptible)

/** Only a launcher writes in the guest's directory; QEMU's user finds its files there, and has `run` for its own. */
const ensureDirectories = Effect.fnUntraced(function*(
  { config, user }: QemuHost,
  directory: QemuDirectory
): Effect.fn.Return<void, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  yield* HostFiles.makeDirectory(directory.path)
  yield* fs.chmod(directory.path, user.switched ? 0o710 : 0o700).pipe(
    Effect.andThen(user.switched ? fs.chown(directory.path, 0, user.gid) : Effect.void),
    Effect.mapError(HostFiles.writeFailure(directory.path))
  )
  yield* HostUser.ensureDirectory(user, directory.run)
  if (directory.sockets !== directory.run) {
    yield* HostFiles.makeDirectory(config.runtimeDirectory)
    yield* HostUser.ensureDirectory(user, directory.sockets)
  }
})

/**
 * The command that launches the guest: checks everything that it opens, since the host may have changed since it was made.
 * Fails with `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`.
 */
export const command = Effect.fn("QemuFiles.command")(function*(
  host: QemuHost,
  directory: QemuDirectory,
  spec: InstanceSpec,
  boot: BootConfig
): Effect.fn.Return<ReadonlyArray<string>, VirtualizerError, Services> {
  const { config, user } = host
  const fs = yield* FileSystem.FileSystem
  const roots = HostPaths.roots(config)
  // A runtime directory is empty after the host has booted.
  const hasSockets = yield* Effect.orElseSucceed(fs.exists(directory.sockets), () => false)
  if (!hasSockets) yield* ensureDirectories(host, directory)
  const { acceleration, disk, flash, kernel, volumes } = yield* Effect.all({
    acceleration: KvmProbe.acceleration(config, user),
    disk: spec.boot.kind === "image"
      ? QemuImage.inspect(directory.disk, "qcow2", [...roots, directory.path])
      : Effect.undefined,
    flash: Firmware.prepare({ firmware: spec.firmware, variables: directory.firmwareVariables, user }),
    kernel: spec.boot.kind === "kernel" ? resolveKernel(host, spec.boot) : Effect.undefined,
    volumes: Effect.forEach(
      boot.volumes,
      (volume) => Effect.map(QemuVolume.prepare(host, volume), (blockdev) => ({ volume, blockdev })),
      { concurrency: 4 }
    )
  }, { concurrency: "unbounded" })
  const { accelerator, groups } = acceleration
  const args = QemuArguments.make({
    config,
    spec,
    directory,
    accelerator,
    disk: disk && QemuImage.blockdev(disk, { nodeName: "disk", readOnly: false }),
    seed: spec.cloudInit && directory.seed,
    flash,
    kernel,
    volumes,
    networks: boot.networks
  })
  return HostUser.command(user, [config.emulator, ...args], groups)
})
