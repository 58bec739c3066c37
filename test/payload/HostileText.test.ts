/**
 * However much work a text is made to be, the answer comes soon: work that grows faster than the text would take hours.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as StartPayload from "../../src/payload/StartPayload.ts"
import { answers, valid } from "./decoders.ts"

const bytesMax = 1024 * 1024

describe("every decoder", () => {
  const fill = (unit: string) => unit.repeat(bytesMax / new TextEncoder().encode(unit).length)
  const expansion = Array.from({ length: 20 }, (_, i) => {
    const [anchor, alias] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)]
    return `  ${anchor}: &${anchor} [${i === 0 ? "x" : Array(10).fill(`*${alias}`).join(", ")}]\n`
  }).join("")
  const chain = "  a0: &a0 x\n" +
    Array.from({ length: 200 }, (_, i) => `  a${i + 1}: &a${i + 1} [[[*a${i}]]]\n`).join("")
  const texts: ReadonlyArray<readonly [name: string, under: string]> = [
    ["nested flow sequences", fill("[")],
    ["nested flow mappings", fill("{a: ")],
    ["nested block sequences", fill("- ")],
    ["nested explicit keys", fill("? ")],
    ["nested block mappings", Array.from({ length: 1000 }, (_, i) => " ".repeat(i) + "a:").join("\n")],
    ["aliases of aliases", `x:\n${expansion}`],
    ["aliases that nest", `x:\n${chain}`],
    ["an alias within its anchor", "x: &a [*a]\n"],
    ["many keys", Array.from({ length: 90_000 }, (_, i) => `k${i}: v`).join("\n").slice(0, bytesMax - 100)],
    ["one key many times", fill("a:\n")],
    ["many anchors", fill("&a ")],
    ["many closing brackets", fill("]")],
    ["many commas", fill(",")],
    ["many quotes", fill("\"")],
    ["many tags", fill("! ")],
    ["many documents", fill("---\n")],
    ["many ends", fill("...\n")],
    ["many directives", fill("%\n")],
    ["many comments", fill("#\n")],
    ["many blank lines", fill("\n")],
    ["white space", fill(" ")],
    ["tabs", fill("\t")],
    ["one long scalar", fill("x")],
    ["one long block scalar", `x: |\n${fill(" y\n").slice(0, bytesMax - 100)}`],
    ["one long start", fill("start:\n")],
    ["one long indented block", `start:\n${fill("  a\n").slice(0, bytesMax - 100)}`],
    ["more than is read", fill("x") + "x"]
  ]
  for (const [name, text] of texts) {
    it.effect(`refuses ${name} before long`, () =>
      Effect.gen(function*() {
        yield* answers(text)
        // under the key, so that it is read by the START decoder too
        yield* answers(`start:\n  x: ${text}`)
      }))
  }

  it.effect("refuses aliases that stand for more than is read", () =>
    Effect.gen(function*() {
      for (const aliases of [expansion, chain]) {
        const error = yield* Effect.flip(StartPayload.decode(`start:\n  instance_uuid: ab\n${aliases}`))
        assert.strictEqual(error.code, "invalid_payload")
        assert.include(error.message, "the aliases")
      }
    }))

  it.effect("reads one mebibyte of user data, and not one byte more", () =>
    Effect.gen(function*() {
      const payload = valid.start.replace("---\n", `# ${"é".repeat(bytesMax / 2)}\n---\n`)
      const surplus = new TextEncoder().encode(payload).length - bytesMax
      const most = payload.replace("é".repeat(Math.ceil(surplus / 2)), surplus % 2 === 0 ? "" : "x")
      assert.strictEqual(new TextEncoder().encode(most).length, bytesMax)
      yield* StartPayload.decode(most)
      assert.strictEqual((yield* Effect.flip(StartPayload.decode(`${most} `))).code, "invalid_payload")
      assert.strictEqual(
        (yield* Effect.flip(StartPayload.decode(new TextEncoder().encode(`${most} `)))).code,
        "invalid_payload"
      )
    }))
})
