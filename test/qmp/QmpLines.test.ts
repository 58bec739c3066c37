import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { LineTooLong, Malformed } from "../../src/qmp/Disconnect.ts"
import * as QmpLines from "../../src/qmp/QmpLines.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const collect = () => {
  const seen: Array<string> = []
  return [seen, (line: string) => {
    seen.push(line)
    return undefined
  }] as const
}

describe("QmpLines", () => {
  it.effect.prop(
    "gives the same lines however their bytes are cut",
    [
      Arbitrary.schema(Schema.Array(Schema.String)),
      Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))))
    ],
    ([texts, cuts]) =>
      Effect.sync(() => {
        const sent = texts.map((text) => JSON.stringify(text.toWellFormed()))
        const all = bytes(sent.map((line) => `${line}\n`).join(""))
        const lines = QmpLines.make(1_000_000)
        const [seen, onLine] = collect()
        let start = 0
        for (let i = 0; start < all.length; i++) {
          const end = start + (cuts.length === 0 ? 1 : cuts[i % cuts.length])
          assert.isUndefined(lines.push(all.subarray(start, end), onLine))
          start = end
        }
        assert.deepStrictEqual(seen, sent)
        assert.isFalse(lines.isPartial())
      })
  )

  it("takes a line at its limit, and no byte more, whole or in pieces", () => {
    const lines = QmpLines.make(10)
    const [seen, onLine] = collect()
    assert.isUndefined(lines.push(bytes("0123456789\n01234"), onLine))
    assert.isUndefined(lines.push(bytes("56789"), onLine))
    assert.isUndefined(lines.push(bytes("\n"), onLine))
    assert.deepStrictEqual(seen, ["0123456789", "0123456789"])
    assert.deepStrictEqual(lines.push(bytes("01234567890\n"), onLine), new LineTooLong({ limitBytes: 10 }))
    const others = QmpLines.make(10)
    assert.isUndefined(others.push(bytes("0123456789"), onLine))
    assert.isTrue(others.isPartial())
    assert.deepStrictEqual(others.push(bytes("0"), onLine), new LineTooLong({ limitBytes: 10 }))
  })

  it("stops at the first line that is refused", () => {
    const lines = QmpLines.make(10)
    const seen: Array<string> = []
    const refusal = new Malformed({ detail: "no" })
    const answer = lines.push(bytes("a\n\r\nb\nc\n"), (line) => {
      seen.push(line)
      return line === "b" ? refusal : undefined
    })
    assert.strictEqual(answer, refusal)
    assert.deepStrictEqual(seen, ["a", "b"])
  })
})
