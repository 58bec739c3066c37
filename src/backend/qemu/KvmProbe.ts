/**
 * Whether KVM runs guests here. That its device exists proves nothing: there are hosts on which guests then hang.
 */
import { Effect, type FileSystem, type Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import type { HostUser } from "./HostUser.ts"
import type { QemuConfig } from "./QemuConfig.ts"

/** How guests' processors are run. */
export interface Acceleration {
  readonly accelerator: "kvm" | "tcg"
  /** The supplementary groups that QEMU must keep for it: that of `/dev/kvm`. */
  readonly groups: ReadonlyArray<number>
  /** Why it is this one, for people. */
  readonly detail: string
}

/**
 * How guests are to be run, as the configuration says. `tcg` looks at nothing. For `auto` and `kvm` a trial guest of a
 * few instructions is run once per boot of the host, as the guests' user, for at most 3 seconds; the answer is kept in
 * the state directory. Several launchers may do so at once. Interruption ends the trial guest.
 *
 * Fails with `HostFailure` when `kvm` is demanded and does not work, or when there is no emulator. `auto` is then `tcg`.
 */
export const acceleration = Effect.fn("KvmProbe.acceleration")(
  function*(
    config: QemuConfig,
    user: HostUser
  ): Effect.fn.Return<
    Acceleration,
    VirtualizerError,
    FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
  > {
    return yield* Effect.die([config, user])
  }
)
