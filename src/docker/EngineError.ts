/**
 * The failures of the Engine client: one error, with a closed set of reasons.
 */
import { Schema } from "effect"

/**
 * There is no connection to be had. `code` is the operating system's: `ENOENT` and `ECONNREFUSED` say that nobody listens
 * there, `EACCES` that this user may not connect. Nothing was asked of the engine.
 */
export class ConnectFailed extends Schema.TaggedError<ConnectFailed>()("ConnectFailed", {
  address: Schema.String,
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `no engine answers at ${this.address} (${this.detail}): see that it runs, and that DOCKER_HOST leads there`
  }
}

/** The connection ended before the reply did. Whether the engine did what it was asked is not known. */
export class Disconnected extends Schema.TaggedError<Disconnected>()("Disconnected", {
  call: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.call}: the engine ended the connection: ${this.detail}`
  }
}

/** The engine did not answer in time; the connection was closed. It may still do what it was asked. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  call: Schema.String,
  millis: Schema.Number
}) {
  override get message(): string {
    return `${this.call}: the engine did not answer within ${this.millis} ms`
  }
}

const refusal = { call: Schema.String, detail: Schema.String }

/** Status 400: what was asked for makes no sense to the engine. */
export class BadParameter extends Schema.TaggedError<BadParameter>()("BadParameter", refusal) {
  override get message(): string {
    return `${this.call}: ${this.detail}`
  }
}

/** Status 401 or 403: the engine, or a registry behind it, does not permit it. */
export class Denied extends Schema.TaggedError<Denied>()("Denied", refusal) {
  override get message(): string {
    return `${this.call}: not permitted: ${this.detail}`
  }
}

/** Status 404: what was asked for is not there. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", refusal) {
  override get message(): string {
    return `${this.call}: ${this.detail}`
  }
}

/** Status 409: it is there already, or in a state that does not allow it. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", refusal) {
  override get message(): string {
    return `${this.call}: ${this.detail}`
  }
}

/** Any other status that is no success: 500 where the engine failed, 503 where it is not part of a swarm. */
export class EngineFailed extends Schema.TaggedError<EngineFailed>()("EngineFailed", {
  ...refusal,
  status: Schema.Int
}) {
  override get message(): string {
    return `${this.call}: ${this.detail} (status ${this.status})`
  }
}

/** The engine answered, but its reply does not fit the call's schema. */
export class InvalidReply extends Schema.TaggedError<InvalidReply>()("InvalidReply", refusal) {
  override get message(): string {
    return `${this.call}: unexpected reply: ${this.detail}`
  }
}

/** The engine and this client have no version of the API in common. */
export class VersionUnsupported extends Schema.TaggedError<VersionUnsupported>()("VersionUnsupported", {
  engine: Schema.String,
  client: Schema.String
}) {
  override get message(): string {
    return `the engine speaks versions ${this.engine} of the API, and this client ${this.client}: use another engine`
  }
}

/** DOCKER_HOST, or what belongs to it, can not be used. */
export class BadEndpoint extends Schema.TaggedError<BadEndpoint>()("BadEndpoint", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** Why a pull failed. */
export const PullTrouble = Schema.Literals(["not-found", "denied", "no-space", "unreachable", "other"])

export type PullTrouble = typeof PullTrouble.Type

/** An image could not be pulled. Nothing of it is left. */
export class PullFailed extends Schema.TaggedError<PullFailed>()("PullFailed", {
  reference: Schema.String,
  trouble: PullTrouble,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.reference} could not be pulled: ${this.detail}`
  }
}

/** The user's registry credentials can not be read. */
export class BadCredentials extends Schema.TaggedError<BadCredentials>()("BadCredentials", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** Why the Engine client failed. */
export const Reason = Schema.Union([
  ConnectFailed,
  Disconnected,
  DeadlineExceeded,
  BadParameter,
  Denied,
  NotFound,
  Conflict,
  EngineFailed,
  InvalidReply,
  VersionUnsupported,
  BadEndpoint,
  PullFailed,
  BadCredentials
])

export type Reason = typeof Reason.Type

/** The failure of the Engine client. Its `reason` says which, with the data. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}

/** A failed effect's error: `yield* fail(new NotFound({ call, detail }))`. */
export const fail = (reason: Reason): EngineError => new EngineError({ reason })

/** Whether it failed for this reason: `is(error, "NotFound")`. */
export const is = (error: EngineError, tag: Reason["_tag"]): boolean => error.reason._tag === tag

/** Whether the engine itself is not to be reached, so that nothing is known of what it runs. */
export const isAway = ({ reason }: EngineError): boolean =>
  reason._tag === "ConnectFailed" || reason._tag === "Disconnected" || reason._tag === "DeadlineExceeded"

/** The failure that an engine's status stands for. */
export const fromStatus = (call: string, status: number, detail: string): EngineError => {
  switch (status) {
    case 400:
      return fail(new BadParameter({ call, detail }))
    case 401:
    case 403:
      return fail(new Denied({ call, detail }))
    case 404:
      return fail(new NotFound({ call, detail }))
    case 409:
      return fail(new Conflict({ call, detail }))
    default:
      return fail(new EngineFailed({ call, detail, status }))
  }
}
