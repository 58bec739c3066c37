/**
 * What a QMP server sends: one JSON object a line.
 */
import { Schema } from "effect"

/** The first message of a server. */
export const Greeting = Schema.Struct({
  QMP: Schema.Struct({
    version: Schema.Struct({
      qemu: Schema.Struct({ major: Schema.Int, minor: Schema.Int, micro: Schema.Int }),
      package: Schema.String
    }),
    capabilities: Schema.Array(Schema.Json)
  })
})

export type Greeting = typeof Greeting.Type
