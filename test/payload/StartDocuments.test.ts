import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as StartDocuments from "../../src/payload/StartDocuments.ts"

const block = "start:\n  instance_uuid: ab\n"
const user = "#cloud-config\nhostname: web\n"
const meta = "{\"uuid\": \"ab\"}\n"

const split = (text: string) => Effect.fromResult(StartDocuments.split(text)).pipe(Effect.orDie)

describe("StartDocuments", () => {
  const texts: ReadonlyArray<
    readonly [name: string, text: string, start: string, userData: string | undefined, metaData: string | undefined]
  > = [
    ["the start alone", block, block, undefined, undefined],
    ["the start between markers", `%YAML 1.2\n---\n${block}...\n`, block, undefined, undefined],
    ["the start within the user data", `${user}${block}packages: [a]\n`, block, `${user}packages: [a]\n`, undefined],
    ["the start before the user data", `${block}${user}`, block, user, undefined],
    ["the start after the user data", `${user}${block}`, block, user, undefined],
    ["a blank line before the user data", `${block}\n${user}`, block, `\n${user}`, undefined],
    [
      "blank lines and comments within the block",
      `start:\n  a: b\n\n# c\n  d: e\n${user}`,
      "start:\n  a: b\n\n# c\n  d: e\n",
      user,
      undefined
    ],
    ["a block to the end of the text", `${user}start:\n  a: b`, "start:\n  a: b", user, undefined],
    ["a quoted key", "\"start\":\n  a: b\n", "\"start\":\n  a: b\n", undefined, undefined],
    ["a key that begins alike", `started: now\n${block}`, block, "started: now\n", undefined],
    ["a comment after the key", "start: # now\n  a: b\n", "start: # now\n  a: b\n", undefined, undefined],
    ["JSON", "{\"start\": {\"a\": \"b\"}}", "{\"start\": {\"a\": \"b\"}}", undefined, undefined],
    ["start, meta data", `${block}---\n${meta}`, block, undefined, meta],
    ["meta data, start", `${meta}---\n${block}`, block, undefined, meta],
    ["start in user data, meta data", `${user}${block}---\n${meta}`, block, user, meta],
    ["meta data, start in user data", `---\n${meta}...\n---\n${block}${user}...\n`, block, user, meta],
    ["start, user data, meta data", `---\n${block}---\n${user}---\n${meta}`, block, user, meta],
    ["user data, start, meta data", `${user}---\n${block}---\n${meta}`, block, user, meta],
    ["user data, meta data, start", `${user}...\n---\n${meta}...\n---\n${block}...\n`, block, user, meta],
    ["documents that only end", `${block}...\n${user}...\n${meta}...\n`, block, user, meta],
    ["an empty user data", `${block}---\n---\n${meta}`, block, undefined, meta],
    ["an empty meta data", `${block}---\n${user}---\n`, block, user, undefined],
    [
      "directives",
      `%YAML 1.1\n---\n${block}...\n%TAG ! x:\n---\n${user}...\n%YAML 1.2\n---\n${meta}`,
      block,
      user,
      meta
    ],
    ["directives without an end before", `${block}%YAML 1.1\n---\n${user}%YAML 1.1\n---\n${meta}`, block, user, meta],
    ["text beside a marker", `${block}--- # user data\n${user}--- ${meta}`, block, `# user data\n${user}`, meta],
    ["a comment before a marker", `#cloud-config\n---\nhostname: web\n...\n---\n${block}---\n`, block, user, undefined],
    [
      "lines like markers",
      `---\n-----BEGIN\n....\n----\n---x\n---\n${block}---\n${meta}`,
      block,
      "-----BEGIN\n....\n----\n---x\n",
      meta
    ],
    ["CR LF", `---\r\nstart:\r\n  a: b\r\n\r\n---\r\nu: v\r\n---\r\n{}`, "start:\r\n  a: b\r\n", "u: v\r\n", "{}"]
  ]
  for (const [name, text, start, userData, metaData] of texts) {
    it.effect(`takes apart ${name}`, () =>
      Effect.gen(function*() {
        const { startLine, ...documents } = yield* split(text)
        assert.deepStrictEqual(documents, { start, userData, metaData })
        assert.strictEqual(text.split("\n")[startLine - 1]?.trimEnd(), start.split("\n")[0]?.trimEnd())
      }))
  }

  // lines that can stand in a document: no markers, no directives, and no start of their own
  const lines = Schema.Literals([
    "",
    " ",
    "\t",
    "#cloud-config",
    "# comment",
    "a: b",
    "  indented: true",
    "- - ls",
    "\ttab",
    "----",
    "-----BEGIN X-----",
    "x %YAML",
    " ---",
    " start: no",
    "starts: no",
    "é😀\0\u2028",
    "trailing  ",
    "\"",
    "{",
    "\r",
    "cr\r",
    "x".repeat(300)
  ])
  const documents = Arbitrary.array(Arbitrary.schema(lines)).pipe(
    Arbitrary.map((lines) => `text\n${lines.join("\n")}\n`)
  )

  it.effect.prop(
    "passes user data and meta data on byte for byte, in every order",
    [
      documents,
      documents,
      Arbitrary.schema(Schema.Literals([0, 1, 2])),
      Arbitrary.schema(Schema.Literals(["---\n", "...\n---\n"]))
    ],
    ([userData, metaData, position, between]) =>
      Effect.gen(function*() {
        const text = `---\n${[userData, metaData].toSpliced(position, 0, block).join(between)}`
        assert.deepStrictEqual(yield* split(text), {
          start: block,
          startLine: text.slice(0, text.indexOf(block)).split("\n").length,
          userData,
          metaData
        })
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect.prop(
    "leaves all but the block where start stands within the user data",
    [documents, documents],
    ([before, after]) =>
      Effect.gen(function*() {
        const documents = yield* split(`${before}${block}${after}`)
        assert.strictEqual(documents.start, block)
        assert.strictEqual(documents.userData, `${before}${after}`)
        assert.isUndefined(documents.metaData)
      })
  )
})
