/**
 * The failures of a virtualizer: one error, with a closed set of reasons. Every message says what to do next.
 */
import { Schema } from "effect"
import { VolumeId } from "./domain/Volume.ts"

/** An image, kernel, or a file behind one is missing, damaged, or of another format than was said. */
export class ImageUnusable extends Schema.TaggedError<ImageUnusable>()("ImageUnusable", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path} can not be used: ${this.detail}`
  }
}

/** A path leads outside the directories that guests may use. */
export class PathRefused extends Schema.TaggedError<PathRefused>()("PathRefused", {
  path: Schema.String,
  roots: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.path} is outside the directories guests may use (${this.roots.join(", ")}): ` +
      `move the file there, or add its directory to the roots`
  }
}

/** The disk is full. */
export class NoSpace extends Schema.TaggedError<NoSpace>()("NoSpace", { path: Schema.String }) {
  override get message(): string {
    return `no space left to write ${this.path}: free some, then ask again`
  }
}

/** A guest could not be launched, or ended before it was there. */
export class LaunchFailed extends Schema.TaggedError<LaunchFailed>()("LaunchFailed", { detail: Schema.String }) {
  override get message(): string {
    return `the guest could not be launched: ${this.detail}`
  }
}

/** A volume could not be attached. */
export class AttachFailed extends Schema.TaggedError<AttachFailed>()("AttachFailed", {
  volume: VolumeId,
  detail: Schema.String
}) {
  override get message(): string {
    return `volume ${this.volume} could not be attached: ${this.detail}`
  }
}

/** A volume could not be detached; the guest still has it. */
export class DetachFailed extends Schema.TaggedError<DetachFailed>()("DetachFailed", {
  volume: VolumeId,
  detail: Schema.String
}) {
  override get message(): string {
    return `volume ${this.volume} could not be detached: ${this.detail}`
  }
}

/** There is no guest. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", {}) {
  override get message(): string {
    return "the guest is not running: start the instance first"
  }
}

/** The guest may be there, but does not answer. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { detail: Schema.String }) {
  override get message(): string {
    return `the guest does not answer: ${this.detail}`
  }
}

/** The guest outlived SIGKILL, or its engine's equivalent. */
export class StillAlive extends Schema.TaggedError<StillAlive>()("StillAlive", { handle: Schema.String }) {
  override get message(): string {
    return `the guest (${this.handle}) outlived being killed: it is likely waiting for a device; look at its host process`
  }
}

/** This virtualizer does not do that. */
export class NotSupported extends Schema.TaggedError<NotSupported>()("NotSupported", { what: Schema.String }) {
  override get message(): string {
    return `${this.what} is not supported`
  }
}

/** A tool, file or service of the host that every guest needs is missing or failed. */
export class HostFailure extends Schema.TaggedError<HostFailure>()("HostFailure", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** Why a virtualizer failed. */
export const Reason = Schema.Union([
  ImageUnusable,
  PathRefused,
  NoSpace,
  LaunchFailed,
  AttachFailed,
  DetachFailed,
  NotRunning,
  Unreachable,
  StillAlive,
  NotSupported,
  HostFailure
])

export type Reason = typeof Reason.Type

/** The failure of a virtualizer. Its `reason` says which, with the data. */
export class VirtualizerError extends Schema.TaggedError<VirtualizerError>()("VirtualizerError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}

/** A failed effect's error: `yield* fail(new NotRunning())`. */
export const fail = (reason: Reason): VirtualizerError => new VirtualizerError({ reason })
