/**
 * What the demo takes through its life, as far as virtual machines and containers differ.
 */
import type { Effect } from "effect"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { VolumeId } from "../../src/domain/Volume.ts"

export const id = InstanceId.make("67d86208-b46c-4465-9018-fe14287d415f")

/** The volume that is attached, and detached again. */
export const dataVolume = VolumeId.make("demo-data")

/** How many bytes it has, which begin with a text or have a file of it. */
export const dataBytes = 1_048_576

/** What the user data make the guest say, with its name. */
export const greeting = "user data ran on"

/** A guest's process. */
export interface GuestProcess {
  readonly pid: number
  /** What runs its processors, where they are emulated or virtual. */
  readonly accelerator: string | null
}

/** Whatever fails, its message says why. */
type Act<A> = Effect.Effect<A, { readonly message: string }>

export interface Subject {
  /** What a control plane of the seed system would send. */
  readonly payload: string
  /** The words that a launcher's process has after its state directory. */
  readonly launcherArguments: ReadonlyArray<string>
  /** The step in which it says these lines, and shows the last of them. */
  readonly boots: { readonly name: string; readonly says: ReadonlyArray<string> }
  /** The process of the guest that has this handle. */
  readonly process: (handle: string) => Act<GuestProcess>
  readonly isAlive: (pid: number) => Act<boolean>
  /** Puts the data volume where the launcher looks for it, with a text. */
  readonly putData: (text: string) => Act<void>
  /** What it says when it sees a volume with that text, and then when that is gone. */
  readonly sees: (text: string) => string
  readonly misses: (seen: string) => string
  /** The step in which it is asked to end, and what it says then. */
  readonly isAsked: { readonly name: string; readonly says: string; readonly detail: string }
  readonly console: Act<string>
  /** What is left of it outside of the state directory. */
  readonly traces: Act<ReadonlyArray<string>>
}
