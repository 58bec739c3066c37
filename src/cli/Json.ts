/**
 * Values as the API writes them.
 */
import { Schema } from "effect"

/** The JSON of a value. What the daemon told is written as it told it. */
export const encode = <S extends Schema.Top & { readonly EncodingServices: never }>(
  schema: S,
  value: S["Type"]
): unknown => Schema.encodeSync(Schema.toCodecJson(schema))(value)
