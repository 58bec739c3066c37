/**
 * Whatever the text, there is an answer.
 */
import { describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as NativeSpec from "../../src/payload/NativeSpec.ts"
import * as SeedCommands from "../../src/payload/SeedCommands.ts"
import * as StartPayload from "../../src/payload/StartPayload.ts"
import { answers, valid } from "./decoders.ts"

const fragments = Schema.Literals([
  "\n",
  "\n  ",
  " ",
  "\t",
  "- ",
  "? ",
  ": ",
  ":",
  "&a ",
  "*a",
  "!x ",
  "!!str ",
  "[",
  "]",
  "{",
  "}",
  ",",
  "#",
  "|",
  ">",
  "%YAML 1.2\n",
  "---\n",
  "...\n",
  "'",
  "\"",
  "\\",
  "<<: ",
  "start:",
  "delete:",
  "id: ",
  "__proto__: ",
  "constructor: ",
  "toString: ",
  "67e8",
  "null",
  "~",
  "true",
  "\r\n",
  "\0",
  "\uFEFF",
  "\uD800",
  "\u2028"
])

describe("every decoder", () => {
  it.effect.prop(
    "survives any bytes",
    [Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))],
    ([bytes]) => answers(Uint8Array.from(bytes)),
    { arbitrary: { runs: 200 } }
  )

  it.effect.prop(
    "survives any YAML-like text",
    [Arbitrary.array(Arbitrary.schema(fragments))],
    ([parts]) => answers(parts.join("")),
    { arbitrary: { runs: 500 } }
  )

  const text = Arbitrary.schema(Schema.Literals([valid.native, valid.start, valid.delete]))
  const position = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 })))
  it.effect.prop(
    "survives any change of a valid text",
    [text, position, position, Arbitrary.array(Arbitrary.schema(fragments))],
    ([text, from, length, parts]) => answers(text.slice(0, from) + parts.join("") + text.slice(from + length % 8)),
    { arbitrary: { runs: 500 } }
  )

  it.effect("takes the texts that the changes begin with", () =>
    Effect.gen(function*() {
      yield* NativeSpec.decode(valid.native)
      yield* StartPayload.decode(valid.start)
      yield* SeedCommands.decodeDelete(valid.delete)
    }))
})
