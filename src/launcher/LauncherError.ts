/**
 * The failures of a launcher: one error, with a closed set of reasons. Each has the code that control planes of the
 * seed system switch on, and a message that says what to do next.
 */
import { Schema } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import { Phase } from "../domain/Phase.ts"
import { VolumeId } from "../domain/Volume.ts"

/** The code of a failure, as the seed system's documents carry it. */
export const Code = Schema.Literals([
  "already_attached",
  "attach_failure",
  "crash_loop",
  "full_cn",
  "image_failure",
  "instance_exists",
  "instance_failure",
  "launch_failure",
  "launcher_closed",
  "network_failure",
  "no_instance",
  "node_maintenance",
  "not_supported",
  "state_failure",
  "superseded",
  "timed_out"
])

export type Code = typeof Code.Type

/** The id, or the name, belongs to an instance with another spec, or to files that no record explains. */
export class InstanceExists extends Schema.TaggedError<InstanceExists>()("InstanceExists", {
  id: InstanceId,
  detail: Schema.String
}) {
  readonly code: Code = "instance_exists"
  override get message(): string {
    return `instance ${this.id} can not be started: ${this.detail}`
  }
}

/** There is no such instance, or it is being deleted. */
export class NoInstance extends Schema.TaggedError<NoInstance>()("NoInstance", { id: InstanceId }) {
  readonly code: Code = "no_instance"
  override get message(): string {
    return `there is no instance ${this.id} on this node: list the instances, or start it first`
  }
}

/** The codes that a failed step can have. */
export const FailureCode = Schema.Literals([
  "image_failure",
  "network_failure",
  "launch_failure",
  "attach_failure",
  "instance_failure",
  "crash_loop",
  "not_supported"
])

export type FailureCode = typeof FailureCode.Type

/** A step failed. `phase` says which; `failure` is the code that stands for it. */
export class StepFailed extends Schema.TaggedError<StepFailed>()("StepFailed", {
  id: InstanceId,
  phase: Phase,
  failure: FailureCode,
  detail: Schema.String
}) {
  get code(): Code {
    return this.failure
  }
  override get message(): string {
    return `instance ${this.id} failed in phase ${this.phase}: ${this.detail}`
  }
}

/** The instance is not in a state that allows this. */
export class InstanceFailure extends Schema.TaggedError<InstanceFailure>()("InstanceFailure", {
  id: InstanceId,
  detail: Schema.String
}) {
  readonly code: Code = "instance_failure"
  override get message(): string {
    return `instance ${this.id}: ${this.detail}`
  }
}

/** The volume belongs to another instance of this node. */
export class AlreadyAttached extends Schema.TaggedError<AlreadyAttached>()("AlreadyAttached", {
  volume: VolumeId,
  id: InstanceId
}) {
  readonly code: Code = "already_attached"
  override get message(): string {
    return `volume ${this.volume} belongs to instance ${this.id}: detach it there, or delete that instance, first`
  }
}

/** The node does not have what the instance needs, or keeps it back. */
export class NodeFull extends Schema.TaggedError<NodeFull>()("NodeFull", { id: InstanceId, detail: Schema.String }) {
  readonly code: Code = "full_cn"
  override get message(): string {
    return `instance ${this.id} does not fit on this node: ${this.detail}: start it elsewhere, or stop others first`
  }
}

/** The node takes no instances: it is in maintenance, or being reset. */
export class NodeMaintenance extends Schema.TaggedError<NodeMaintenance>()("NodeMaintenance", {
  detail: Schema.String
}) {
  readonly code: Code = "node_maintenance"
  override get message(): string {
    return `this node starts nothing: ${this.detail}`
  }
}

/** This node, or this virtualizer, does not do that. */
export class NotSupported extends Schema.TaggedError<NotSupported>()("NotSupported", { what: Schema.String }) {
  readonly code: Code = "not_supported"
  override get message(): string {
    return `${this.what} is not supported on this node`
  }
}

/** A stronger command took over. */
export class Superseded extends Schema.TaggedError<Superseded>()("Superseded", {
  id: InstanceId,
  by: Schema.Literals(["stop", "delete", "pause", "resume", "attach", "detach", "restore"])
}) {
  readonly code: Code = "superseded"
  override get message(): string {
    return `instance ${this.id}: a ${this.by} took over: ask again once that is done, if it is still wanted`
  }
}

/** The command's deadline passed. What was asked for is on record and goes on. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  id: InstanceId,
  goesOn: Schema.String,
  afterMillis: Schema.Int
}) {
  readonly code: Code = "timed_out"
  override get message(): string {
    return `instance ${this.id}: no answer after ${this.afterMillis} ms; ${this.goesOn} goes on: watch its state`
  }
}

/** A record could not be written or read. Nothing was done about what it says. */
export class StateFailure extends Schema.TaggedError<StateFailure>()("StateFailure", { detail: Schema.String }) {
  readonly code: Code = "state_failure"
  override get message(): string {
    return `the state directory can not be used: ${this.detail}`
  }
}

/** The launcher closed before it could answer. Guests run on, and the next launcher goes on with what is on record. */
export class LauncherClosed extends Schema.TaggedError<LauncherClosed>()("LauncherClosed", {}) {
  readonly code: Code = "launcher_closed"
  override get message(): string {
    return "the launcher closed: ask the next one"
  }
}

/** Why a launcher failed. */
export const Reason = Schema.Union([
  InstanceExists,
  NoInstance,
  StepFailed,
  InstanceFailure,
  AlreadyAttached,
  NodeFull,
  NodeMaintenance,
  NotSupported,
  Superseded,
  TimedOut,
  StateFailure,
  LauncherClosed
])

export type Reason = typeof Reason.Type

/** The failure of a launcher. Its `reason` says which, with the data; its `code` is the seed system's word for it. */
export class LauncherError extends Schema.TaggedError<LauncherError>()("LauncherError", { reason: Reason }) {
  get code(): Code {
    return this.reason.code
  }
  override get message(): string {
    return this.reason.message
  }
}

/** A failed effect's error: `yield* fail(new NoInstance({ id }))`. */
export const fail = (reason: Reason): LauncherError => new LauncherError({ reason })
