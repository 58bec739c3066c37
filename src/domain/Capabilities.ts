/**
 * What a virtualizer can do. It is held to what it declares, and answers `NotSupported` to the rest.
 */
import { Schema } from "effect"
import { BootSource } from "./Image.ts"

export const Capabilities = Schema.Struct({
  /** The boot sources it takes. */
  boot: Schema.Array(Schema.Literals(BootSource.members.map((member) => member.fields.kind.literal))),
  /** A running guest can be paused and resumed. */
  pause: Schema.Boolean,
  /** Volumes can be attached to and detached from a running guest. */
  liveVolumes: Schema.Boolean,
  /** Guests have an interactive console. */
  console: Schema.Boolean
})

export type Capabilities = typeof Capabilities.Type
