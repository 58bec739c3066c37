/**
 * Why a QMP connection ended. A value: every connection ends, and most ends are no failure of anyone.
 */
import { Schema } from "effect"

/** The peer closed the connection between two messages: QEMU left, or dropped us. It proves nothing about the process. */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}

/** The connection broke: reset, or closed in the middle of a message. */
export class Broken extends Schema.TaggedClass<Broken>()("Broken", { detail: Schema.String }) {}

/** The peer's process ended (`processExited`). What it wrote before has been read. */
export class ProcessExited extends Schema.TaggedClass<ProcessExited>()("ProcessExited", {}) {}

/** The peer left a heartbeat unanswered for so long: it is stopped, stuck, or swapped out. We closed the connection. */
export class Frozen extends Schema.TaggedClass<Frozen>()("Frozen", { millis: Schema.Number }) {}

/** The peer sent a line beyond the limit. We closed the connection. */
export class LineTooLong extends Schema.TaggedClass<LineTooLong>()("LineTooLong", { limitBytes: Schema.Int }) {}

/** The peer sent what is not a QMP message: not UTF-8, not JSON, or another shape. We closed the connection. */
export class Malformed extends Schema.TaggedClass<Malformed>()("Malformed", { detail: Schema.String }) {}

/** The peer is connected but did not greet in time: it serves another client, or is frozen. We closed the connection. */
export class GreetingMissing extends Schema.TaggedClass<GreetingMissing>()("GreetingMissing", {
  millis: Schema.Number
}) {}

/** The peer greeted as something else than a QMP server. We closed the connection. */
export class GreetingInvalid extends Schema.TaggedClass<GreetingInvalid>()("GreetingInvalid", {
  detail: Schema.String
}) {}

/** Our side closed the connection: the client's scope is closed. */
export class Local extends Schema.TaggedClass<Local>()("Local", {}) {}

/** Why a QMP connection ended. */
export const Disconnect = Schema.Union([
  Closed,
  Broken,
  ProcessExited,
  Frozen,
  LineTooLong,
  Malformed,
  GreetingMissing,
  GreetingInvalid,
  Local
])

export type Disconnect = typeof Disconnect.Type

/** A clause for a person, such as `it did not answer for 5000 ms`. */
export const format = (disconnect: Disconnect): string => {
  switch (disconnect._tag) {
    case "Closed":
      return "it closed the connection"
    case "Broken":
      return `the connection broke: ${disconnect.detail}`
    case "ProcessExited":
      return "its process ended"
    case "Frozen":
      return `it did not answer for ${disconnect.millis} ms`
    case "LineTooLong":
      return `it sent a line of more than ${disconnect.limitBytes} bytes`
    case "Malformed":
      return `it sent what is not QMP: ${disconnect.detail}`
    case "GreetingMissing":
      return `it did not greet within ${disconnect.millis} ms: it may serve another client`
    case "GreetingInvalid":
      return `it is not a QMP server: ${disconnect.detail}`
    case "Local":
      return "our side closed the connection"
  }
}
