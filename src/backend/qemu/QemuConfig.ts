/**
 * How this node runs QEMU.
 */
import { ByteSize, Duration, Effect, Schema } from "effect"
import { HostPath } from "../../domain/Image.ts"

/**
 * - `kvm`: hardware virtualisation; a launch fails where it does not work.
 * - `tcg`: QEMU's own translation, which works everywhere and is slower.
 * - `auto`: `kvm` where a trial guest proves that it works, otherwise `tcg`.
 */
export const Accelerator = Schema.Literals(["auto", "kvm", "tcg"])

export type Accelerator = typeof Accelerator.Type

const millis = (value: number) =>
  Schema.DurationFromString.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.millis(value))))

/** The configuration of the QEMU virtualizer. All but the state directory has a default. */
export const QemuConfig = Schema.Struct({
  /** The node's state directory, shared with the launcher. Volumes are in its directory `volumes`. */
  stateDirectory: HostPath,
  /**
   * The directories that images, kernels and volumes, and every file behind them, must be in once symbolic links are
   * resolved. The state directory's `volumes` and `images` always belong to them.
   */
  roots: Schema.Array(HostPath).pipe(Schema.withConstructorDefault(Effect.succeed([]))),
  /** A short directory for sockets, used where the instance's own path is too long for one (107 bytes). */
  runtimeDirectory: HostPath.pipe(Schema.withConstructorDefault(Effect.succeed("/run/vivarium"))),
  accelerator: Accelerator.pipe(Schema.withConstructorDefault(Effect.succeed("auto" as const))),
  /** TCG keeps translated code in a buffer of this size for each guest. */
  translationBuffer: Schema.ByteSizeFromString.pipe(
    Schema.withConstructorDefault(Effect.succeed(ByteSize.mebibytes(256)))
  ),
  /** The emulator: a name to look up on the PATH, or a path. */
  emulator: Schema.NonEmptyString.pipe(Schema.withConstructorDefault(Effect.succeed("qemu-system-x86_64"))),
  /** The unprivileged user and group that guests run as, when the launcher runs as root. They need no entry in passwd. */
  user: Schema.Struct({ uid: Schema.Int, gid: Schema.Int }).pipe(
    Schema.withConstructorDefault(Effect.succeed({ uid: 64999, gid: 64999 }))
  ),
  /** How many volumes can be attached to a running guest at one time. */
  hotplugSlots: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 })).pipe(
    Schema.withConstructorDefault(Effect.succeed(8))
  ),
  /** A launched guest that has not answered by then is ended, and the launch has failed. */
  launchDeadline: millis(15_000),
  /** One QMP command that is not answered by then has failed. */
  commandDeadline: millis(10_000),
  /** How often a guest's control channel is tried. A frozen one is found within two of these. */
  heartbeat: millis(10_000),
  /** How long `quit` may take before SIGKILL, and SIGKILL before the guest is given up as immortal. */
  killDeadline: millis(5_000),
  /** How long detaching a volume may take, with its repeats while the guest still boots. */
  hotplugDeadline: millis(30_000)
})

export type QemuConfig = typeof QemuConfig.Type
