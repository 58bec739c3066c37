/**
 * The outside of a virtualizer under test: what the conformance suite can wish for, do and see on the host past the
 * virtualizer itself. Who tests a virtualizer writes one, as a layer that outlives every launcher of a test.
 */
import { Context, type Effect, type Scope } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"

/**
 * What kind of instance is wished for:
 * - `obedient`: its guest connects, powers itself off when it is asked to, and lets go of volumes.
 * - `deaf`: its guest connects, and does not hear the power button or stop signal.
 * - `silent`: its guest is launched, and does not connect for as long as a test looks.
 * - `imageless`: what it boots from is not there.
 * - `unlaunchable`: its image can be made, and every launch of it fails.
 */
export type Kind = "obedient" | "deaf" | "silent" | "imageless" | "unlaunchable"

/** Every operation of a virtualizer, its guests and its monitors that can be interrupted in the middle. */
export type Operation =
  | "discover"
  | "destroy"
  | "discard"
  | "probe"
  | "ensureBackingImage"
  | "createImage"
  | "deleteImage"
  | "start"
  | "monitor"
  | "kill"
  | "stats"
  | "status"
  | "stop"
  | "pause"
  | "resume"
  | "attachVolume"
  | "detachVolume"

/** Where an operation is held. */
export interface Gate {
  /** Completes when an operation is held here. */
  readonly reached: Effect.Effect<void>
  /** Lets go what is held here, and what comes later. */
  readonly open: Effect.Effect<void>
}

/** A moment of an operation at which it can be held. */
export interface HeldPhase {
  /** What is going on then, in words, such as `before the disk is renamed`. */
  readonly name: string
  /** Holds the next operation on this instance that comes there. The gate is opened when the scope closes. */
  readonly hold: (id: InstanceId) => Effect.Effect<Gate, never, Scope.Scope>
  /**
   * The gate is opened as soon as the operation has been interrupted, since what undoes it comes this way too, as on a control
   * channel, or since the operation goes through from here on. Elsewhere it stays closed until the interruption is over.
   */
  readonly opensOnInterruption?: boolean
}

export interface Shape {
  /** The directory of an instance, for `Virtualizer.make`. Each has one of its own. */
  readonly directory: (id: InstanceId) => string

  /** The kinds of instances there are here. There are always `obedient` ones. */
  readonly kinds: ReadonlyArray<Kind>

  /** The spec of an instance of a kind. What it needs, such as an image, is there when this returns. */
  readonly spec: (id: InstanceId, kind: Kind) => Effect.Effect<InstanceSpec>

  /** A volume that can be used, or one whose bytes are missing. */
  readonly volume: (id: VolumeId, kind: "sound" | "missing") => Effect.Effect<Volume>

  /** What every guest that connects has written to its console a moment later. */
  readonly consoleText: string

  /** Returns when an `obedient` guest that is connected hears what it is asked for: at once, where there is no boot to wait for. */
  readonly booted: (id: InstanceId) => Effect.Effect<void>

  /** An `obedient` guest powers itself off, or ends its work, without having been asked to. Need not wait for its end. */
  readonly powerOff: (id: InstanceId) => Effect.Effect<void>

  /** Ends the guest from outside, by force and past the virtualizer, such as by SIGKILL. Returns when it is gone. */
  readonly crash: (id: InstanceId) => Effect.Effect<void>

  /** The kernel of an `obedient` guest panics. Left out where guests have none. */
  readonly panic?: (id: InstanceId) => Effect.Effect<void>

  /** An `obedient` guest reboots. Left out where guests can not. */
  readonly reboot?: (id: InstanceId) => Effect.Effect<void>

  /**
   * The channel by which a guest is controlled breaks, while the guest itself goes on; and is there again. Left out where it
   * can not break.
   */
  readonly control?: {
    readonly sever: (id: InstanceId) => Effect.Effect<void>
    readonly restore: (id: InstanceId) => Effect.Effect<void>
  }

  /** The guest is there and answers nothing, as after SIGSTOP; and goes on. Left out where that can not be. */
  readonly freezer?: {
    readonly freeze: (id: InstanceId) => Effect.Effect<void>
    readonly thaw: (id: InstanceId) => Effect.Effect<void>
  }

  /**
   * All on this host that belongs to an instance: processes, files outside and inside its directory, sockets, mounts, locks.
   * In words that are the same for the same thing, in a fixed order. What is kept for people to read, such as a log, does not
   * count.
   */
  readonly remains: (id: InstanceId) => Effect.Effect<ReadonlyArray<string>>

  /** The guests that run for an instance now, such as processes or containers, in words. */
  readonly guests: (id: InstanceId) => Effect.Effect<ReadonlyArray<string>>

  /** Tells the instance's own disk, or container, from one that was made anew. Nothing when there is none. */
  readonly disk: (id: InstanceId) => Effect.Effect<string | undefined>

  /** Who has this volume open now, in words. */
  readonly holders: (volume: VolumeId) => Effect.Effect<ReadonlyArray<string>>

  /** At least one phase of each operation whose capability is declared. */
  readonly gates: Readonly<Record<Operation, ReadonlyArray<HeldPhase>>>
}

/** The outside of a virtualizer under test. */
export class ConformanceHost extends Context.Service<ConformanceHost, Shape>()("vivarium/ConformanceHost") {}
