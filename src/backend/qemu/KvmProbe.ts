/**
 * Whether KVM runs guests here. That its device exists proves nothing: there are hosts on which guests then hang.
 */
import { Duration, Effect, FileSystem, Option, type Path, Schema, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"
import * as HostCommand from "./HostCommand.ts"
import * as HostFiles from "./HostFiles.ts"
import * as HostUser from "./HostUser.ts"
import type { QemuConfig } from "./QemuConfig.ts"

/** How guests' processors are run. */
export interface Acceleration {
  readonly accelerator: "kvm" | "tcg"
  /** The supplementary groups that QEMU must keep for it: that of `/dev/kvm`. */
  readonly groups: ReadonlyArray<number>
  /** Why it is this one, for people. */
  readonly detail: string
}

type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const device = "/dev/kvm"

/** A trial takes 0.2 seconds, also on a busy host without KVM. */
const deadline = Duration.seconds(3)

const bootSector = Uint8Array.of(
  0xb0,
  0x29, // mov al, 0x29
  0xe6,
  0xf4, // out 0xf4, al: QEMU's isa-debug-exit ends with code 2 * 0x29 + 1
  0xf4 // hlt
)

const passed = 0x29 * 2 + 1

/** A disk that BIOS boots the sector from. Disks of fewer sectors are not booted. */
const bootDisk = (): Uint8Array => {
  const disk = new Uint8Array(1024 * 1024)
  disk.set(bootSector)
  disk.set([0x55, 0xaa], 510)
  return disk
}

/**
 * Runs a guest that boots through BIOS from a disk and ends at once: what real guests do first, through all the
 * processor modes in which a broken KVM hangs. Returns why it did not work, or nothing when it did. However it goes, the
 * trial guest is gone then, killed if need be, also after an interruption; its disk is in `directory` meanwhile.
 *
 * Fails with `HostFailure` when there is no emulator, and when the directory can not be written.
 */
export const trial = Effect.fn("KvmProbe.trial")(
  function*(options: {
    readonly emulator: string
    readonly accelerator: "kvm" | "tcg"
    readonly cpu: string
    readonly user: HostUser.HostUser
    readonly groups: ReadonlyArray<number>
    readonly directory: string
  }): Effect.fn.Return<string | undefined, VirtualizerError, Services> {
    const { emulator, user, groups } = options
    const tool: HostCommand.Tool = { name: emulator, package: "qemu-system-x86" }
    const guest: Effect.Effect<string | undefined, VirtualizerError, Services | Scope.Scope> = Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped({ directory: options.directory, prefix: "kvm-trial-" }).pipe(
        Effect.mapError(HostFiles.writeFailure(options.directory))
      )
      const disk = `${directory}/disk`
      yield* fs.writeFile(disk, bootDisk()).pipe(Effect.mapError(HostFiles.writeFailure(disk)))
      yield* HostUser.give(user, disk, 0o600)
      yield* HostUser.give(user, directory, 0o700)
      yield* HostUser.checkReachable(user, disk)
      const [setpriv, ...args] = HostUser.command(user, [
        emulator,
        ...["-accel", options.accelerator, "-machine", "q35", "-cpu", options.cpu, "-m", "16"],
        ...["-display", "none", "-nodefaults", "-no-user-config", "-no-reboot"],
        "-blockdev",
        JSON.stringify({ driver: "file", "node-name": "disk", filename: disk, "read-only": true }),
        ...["-device", "virtio-blk-pci,drive=disk,bootindex=0", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
      ], groups)
      const child = yield* HostCommand.spawn({ name: "setpriv", package: "util-linux" }, [setpriv, ...args])
      // A process that waits inside the kernel for ever can not be ended, and must not hold us.
      yield* Effect.addFinalizer(() =>
        Effect.when(child.kill(), child.isRunning).pipe(
          Effect.interruptible,
          Effect.timeoutOption(deadline),
          Effect.andThen(Effect.when(child.unref, child.isRunning)),
          Effect.ignore
        )
      )
      const outcome = yield* HostCommand.outcome(child).pipe(Effect.timeoutOption(deadline))
      if (Option.isNone(outcome)) return `a trial guest did not end within ${Duration.format(deadline)}`
      if (outcome.value.code === passed) return undefined
      if (outcome.value.code === 127) {
        return yield* fail(new HostFailure({ detail: HostCommand.missing(tool) }))
      }
      return `a trial guest failed: ${HostCommand.complaint(tool, outcome.value)}`
    })
    return yield* Effect.scoped(guest)
  }
)

/** A finding is valid for one boot of the host, and as long as nothing it depends on has changed. */
const Finding = Schema.fromJsonString(Schema.Struct({
  circumstances: Schema.String,
  failure: Schema.NullOr(Schema.String)
}))

/** What the trial found, now or earlier in this boot. */
const finding = Effect.fnUntraced(function*(
  config: QemuConfig,
  user: HostUser.HostUser,
  groups: ReadonlyArray<number>,
  info: FileSystem.File.Info
): Effect.fn.Return<string | undefined, VirtualizerError, Services> {
  const fs = yield* FileSystem.FileSystem
  const bootId = yield* fs.readFileString("/proc/sys/kernel/random/boot_id").pipe(
    Effect.mapError(HostFiles.readFailure("/proc/sys/kernel/random/boot_id"))
  )
  const circumstances = [bootId.trim(), config.emulator, user.uid, user.gid, ...groups, info.mode].join(" ")
  const file = `${config.stateDirectory}/kvm.json`
  const known = yield* fs.readFileString(file).pipe(
    Effect.flatMap(Schema.decodeEffect(Finding)),
    Effect.option
  )
  if (Option.isSome(known) && known.value.circumstances === circumstances) return known.value.failure ?? undefined
  const failure = yield* trial({
    emulator: config.emulator,
    accelerator: "kvm",
    cpu: "max",
    user,
    groups,
    directory: config.stateDirectory
  })
  // One that was lost or half-written costs another trial.
  yield* Schema.encodeEffect(Finding)({ circumstances, failure: failure ?? null }).pipe(
    Effect.flatMap((text) => fs.writeFileString(file, text)),
    Effect.ignore
  )
  return failure
})

/** The groups that let the guests' user open the device; nothing when it can not. */
const admission = Effect.fnUntraced(function*(user: HostUser.HostUser, info: FileSystem.File.Info) {
  const fs = yield* FileSystem.FileSystem
  if (!user.switched) {
    const may = yield* Effect.option(fs.access(device, { readable: true, writable: true }))
    return Option.map(may, (): ReadonlyArray<number> => [])
  }
  const permits = (shift: number) => ((info.mode >> shift) & 6) === 6
  if (Option.contains(info.uid, user.uid)) return permits(6) ? Option.some([]) : Option.none()
  if (permits(0) || (Option.contains(info.gid, user.gid) && permits(3))) return Option.some([])
  return permits(3) ? Option.map(info.gid, (gid): ReadonlyArray<number> => [gid]) : Option.none()
})

/**
 * How guests are to be run, as the configuration says. `tcg` looks at nothing. For `auto` and `kvm` a trial guest of a
 * few instructions is run once per boot of the host, as the guests' user, for at most 3 seconds; the answer is kept in
 * the state directory, which must exist. Several launchers may do so at once. Interruption ends the trial guest.
 *
 * Fails with `HostFailure` when `kvm` is demanded and does not work, or when there is no emulator. `auto` is then `tcg`.
 */
export const acceleration = Effect.fn("KvmProbe.acceleration")(
  function*(
    config: QemuConfig,
    user: HostUser.HostUser
  ): Effect.fn.Return<Acceleration, VirtualizerError, Services> {
    const fs = yield* FileSystem.FileSystem
    if (config.accelerator === "tcg") return { accelerator: "tcg", groups: [], detail: "configured" }
    const without = (why: string): Effect.Effect<Acceleration, VirtualizerError> =>
      config.accelerator === "auto"
        ? Effect.succeed({ accelerator: "tcg", groups: [], detail: why })
        : Effect.fail(
          fail(
            new HostFailure({
              detail: `the accelerator kvm is demanded and does not work here: ${why}: set it to auto, or mend this`
            })
          )
        )
    const info = yield* Effect.option(fs.stat(device))
    if (Option.isNone(info)) return yield* without(`there is no ${device}`)
    const groups = yield* admission(user, info.value)
    if (Option.isNone(groups)) {
      return yield* without(`guests run as user ${user.uid}, who may not open ${device}`)
    }
    const failure = yield* finding(config, user, groups.value, info.value)
    return failure === undefined
      ? { accelerator: "kvm", groups: groups.value, detail: "a trial guest ran" }
      : yield* without(failure)
  }
)
