/**
 * Calls about the engine itself.
 */
import { Schema } from "effect"
import * as EngineCall from "./EngineCall.ts"
import { ApiVersion } from "./EngineVersion.ts"

/** What an engine says of itself. */
export const EngineAbout = Schema.Struct({
  /** The engine's own version, such as `20.10.24`. */
  Version: Schema.String,
  ApiVersion,
  /** Absent where an engine keeps none of the older versions. */
  MinAPIVersion: Schema.optionalKey(ApiVersion),
  Os: Schema.String,
  Arch: Schema.String
})

export type EngineAbout = typeof EngineAbout.Type

/** `GET /version`. It may take the engine a while: some run other programs to ask for their versions. */
export const version = EngineCall.make("GET", "/version", EngineAbout)

/** `GET /_ping`: a sign of life. Its header `Api-Version` tells the newest version that the engine speaks. */
export const ping = EngineCall.ask("GET", "/_ping")

/** What the engine has and runs on. */
const Info = Schema.Struct({
  ID: Schema.String,
  /** The engine's clock, as RFC 3339. */
  SystemTime: Schema.String,
  NCPU: Schema.Int,
  MemTotal: Schema.Int,
  LiveRestoreEnabled: Schema.optionalKey(Schema.Boolean)
})

/** `GET /info`. */
export const info = EngineCall.make("GET", "/info", Info)
