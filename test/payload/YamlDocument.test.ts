import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Yaml from "yaml"
import * as YamlDocument from "../../src/payload/YamlDocument.ts"
import { parse } from "../../src/payload/YamlText.ts"

/** What readers of one YAML version or another take for numbers, dates, booleans, nulls, or the structure of the text. */
const treacherous = [
  "",
  " ",
  "67e8",
  "0x1f",
  "0o17",
  "0777",
  "1_000",
  "02:00:15:03:06:49",
  "12:30",
  "2026-11-26",
  ".inf",
  "-.INF",
  ".nan",
  "~",
  "null",
  "yes",
  "No",
  "on",
  "true",
  "=",
  "<<",
  "---",
  "...",
  "- a",
  "a: b",
  "a #b",
  "#",
  "&a",
  "*a",
  "!!int 1",
  "%YAML 1.1",
  "{}",
  "[]",
  "|",
  ">",
  "@",
  "`",
  "'",
  "\"",
  "\\",
  "\\u0041",
  "a\nb",
  "a\r\n b",
  "\t",
  "\u0000",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\uffff",
  "💾"
]

const Text = Schema.Union([Schema.Literals(treacherous), Schema.String])

/** A document of any shape. */
const Value: Schema.Codec<YamlDocument.Value> = Schema.Union([
  Text,
  Schema.Int,
  Schema.Boolean,
  Schema.Array(Schema.suspend(() => Value)),
  Schema.Record(Schema.Literals(["a", "instance_uuid", "z9"]), Schema.suspend(() => Value))
])

/** The text of each value, which is what this project's reader finds. */
const asRead = (value: YamlDocument.Value): unknown => {
  if (typeof value !== "object") return typeof value === "string" ? value.toWellFormed() : String(value)
  return Array.isArray(value) ? value.map(asRead) : Object.fromEntries(
    Object.entries(value).map(([key, value]) => [key, asRead(value)])
  )
}

/** The values as they are, but for strings that are none and for the zero below zero, which is zero. */
const asMeant = (value: YamlDocument.Value): unknown => {
  if (typeof value !== "object") return typeof value === "string" ? value.toWellFormed() : value === 0 ? 0 : value
  return Array.isArray(value) ? value.map(asMeant) : Object.fromEntries(
    Object.entries(value).map(([key, value]) => [key, asMeant(value)])
  )
}

describe("YamlDocument", () => {
  it.effect.prop(
    "readers of YAML 1.1 and 1.2 find what was written, and so does our own",
    { value: Value },
    ({ value }) =>
      Effect.gen(function*() {
        const text = YamlDocument.encode({ value })
        for (const version of ["1.1", "1.2"] as const) {
          const document = Yaml.parseDocument(text, { version, logLevel: "silent" })
          assert.deepStrictEqual(document.errors, [])
          assert.deepStrictEqual(document.warnings, [])
          assert.deepStrictEqual(document.toJS(), { value: asMeant(value) }, text)
        }
        assert.deepStrictEqual(yield* parse(text), [{ value: asRead(value) }] as ReadonlyArray<unknown>, text)
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("all of what is treacherous survives", () =>
    Effect.gen(function*() {
      const text = YamlDocument.encode({ treacherous })
      // Printable as YAML means it, so that readers that check that take it too.
      assert.match(
        text,
        /^[\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u
      )
      assert.deepStrictEqual(Yaml.parse(text, { version: "1.1" }), { treacherous })
      assert.deepStrictEqual(yield* parse(text), [{ treacherous }])
    }))

  it.effect("is laid out as people write it", () =>
    Effect.sync(() => {
      assert.strictEqual(
        YamlDocument.encode({ a: "x", b: [], c: [{ d: 1, e: ["y"] }, { f: true }], g: { h: -1 }, i: {} }),
        [
          "a: \"x\"",
          "b: []",
          "c:",
          "  - d: 1",
          "    e:",
          "      - \"y\"",
          "  - f: true",
          "g:",
          "  h: -1",
          "i: {}",
          ""
        ].join("\n")
      )
    }))
})
