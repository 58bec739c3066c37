/**
 * The failures of the QMP client: one error, with a closed set of reasons.
 */
import { Schema } from "effect"
import { Disconnect, format } from "./Disconnect.ts"

/**
 * There is no connection to be had. `code` is the operating system's: `ENOENT` and `ECONNREFUSED` say that nobody
 * listens there (yet); `EINVAL` or `ENAMETOOLONG` that the path is beyond what a socket address holds (107 bytes).
 */
export class ConnectFailed extends Schema.TaggedError<ConnectFailed>()("ConnectFailed", {
  address: Schema.String,
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `no QMP connection to ${this.address}: ${this.detail}`
  }
}

/**
 * QEMU answered with an error. `class` is QMP's error class: `GenericError`, `CommandNotFound`, `DeviceNotActive`,
 * `DeviceNotFound`, `KVMMissingCap`, or whatever a later QEMU says.
 */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  command: Schema.String,
  class: Schema.String,
  description: Schema.String
}) {
  override get message(): string {
    return `${this.command}: ${this.description} (${this.class})`
  }
}

/** The connection ended before, or while, something was waited for. Whether a command was executed is not known. */
export class Disconnected extends Schema.TaggedError<Disconnected>()("Disconnected", { cause: Disconnect }) {
  override get message(): string {
    return `QMP peer: ${format(this.cause)}`
  }
}

/** The peer did not answer a command in time. It may still execute it; the connection stays. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  command: Schema.String,
  millis: Schema.Number
}) {
  override get message(): string {
    return `${this.command}: no answer within ${this.millis} ms`
  }
}

/** QEMU executed the command, but its reply does not fit the command's schema. Other commands are not affected. */
export class InvalidReply extends Schema.TaggedError<InvalidReply>()("InvalidReply", {
  command: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.command}: unexpected reply: ${this.detail}`
  }
}

/** A subscriber did not keep up: `limit` events waited for it when another came. What waited was delivered first. */
export class EventsLost extends Schema.TaggedError<EventsLost>()("EventsLost", { limit: Schema.Int }) {
  override get message(): string {
    return `QMP events were lost: more than ${this.limit} were waiting to be read`
  }
}

/** Why the QMP client failed. */
export const Reason = Schema.Union([
  ConnectFailed,
  CommandFailed,
  Disconnected,
  DeadlineExceeded,
  InvalidReply,
  EventsLost
])

export type Reason = typeof Reason.Type

/** The failure of the QMP client. Its `reason` says which, with the data. */
export class QmpError extends Schema.TaggedError<QmpError>()("QmpError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}

/** A failed effect's error: `yield* fail(new Disconnected({ cause }))`. */
export const fail = (reason: Reason): QmpError => new QmpError({ reason })

/** Whether QEMU refused a command with this error class: `isClass(error, "DeviceNotFound")`. */
export const isClass = (error: QmpError, errorClass: string): boolean =>
  error.reason._tag === "CommandFailed" && error.reason.class === errorClass
