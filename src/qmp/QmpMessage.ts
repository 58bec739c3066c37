/**
 * What a QMP server sends: one JSON object a line. https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import { Option, Schema } from "effect"

/** The first message of a server. */
export const Greeting = Schema.Struct({
  QMP: Schema.Struct({
    version: Schema.Struct({
      qemu: Schema.Struct({ major: Schema.Int, minor: Schema.Int, micro: Schema.Int }),
      package: Schema.String
    })
  })
})

export type Greeting = typeof Greeting.Type

/** An event as it comes. `seconds` is −1 where the host could not tell the time. */
export const Event = Schema.Struct({
  event: Schema.String,
  data: Schema.optionalKey(Schema.JsonObject),
  timestamp: Schema.Struct({ seconds: Schema.Number, microseconds: Schema.Number })
})

export type Event = typeof Event.Type

/** The reply to a command that succeeded. The ids of others may be any JSON, or absent. */
export const Success = Schema.Struct({ return: Schema.Unknown, id: Schema.optionalKey(Schema.Unknown) })

/** The reply to a command that failed. */
export const Failure = Schema.Struct({
  error: Schema.Struct({ class: Schema.String, desc: Schema.String }),
  id: Schema.optionalKey(Schema.Unknown)
})

export type Reply = typeof Success.Type | typeof Failure.Type

const QmpMessage = Schema.Union([Success, Failure, Event, Greeting])

export type QmpMessage = typeof QmpMessage.Type

const decodeUnknown = Schema.decodeUnknownOption(QmpMessage)

/** Decodes one line. */
export const decode = (line: string): Option.Option<QmpMessage> => {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return Option.none()
  }
  return decodeUnknown(json)
}
