/**
 * Tables fit the terminal they are for, whatever is in them, and what comes from elsewhere does not control it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { listing, table } from "../../src/cli/Table.ts"
import { elide, folded, plain, width } from "../../src/cli/Text.ts"

const Row = Schema.Struct({ id: Schema.String, name: Schema.String, state: Schema.String })

const columns = [
  { title: "ID", of: ({ id }: typeof Row.Type) => id },
  { title: "NAME", of: ({ name }: typeof Row.Type) => name, shrinks: true },
  { title: "STATE", of: ({ state }: typeof Row.Type) => state, shrinks: true, leaveOut: 1 }
] as const

const few = { arbitrary: { runs: 200, seed: 1 } }
const Width = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
// oxlint-disable-next-line no-control-regex -- these must not be there
const control = /[\u0000-\u001f\u007f-\u009f]/

describe("tables", () => {
  it.effect.prop(
    "no line is wider than the terminal, and each row has one",
    [Schema.Array(Row), Width],
    ([rows, wide]) =>
      Effect.sync(() => {
        const lines = table(columns, rows, wide)
        assert.lengthOf(lines, rows.length + 1)
        for (const line of lines) {
          assert.isAtMost(width(line), wide)
          assert.notMatch(line, control)
        }
      }),
    few
  )

  it("what does not shrink stays whole, what shrinks gives way first, and what may be left out next", () => {
    const rows = [{ id: "9c1f-04", name: "a-name-that-is-long", state: "failed (launch: no such file)" }]
    assert.deepStrictEqual(table(columns, rows, undefined), [
      "ID       NAME                 STATE",
      "9c1f-04  a-name-that-is-long  failed (launch: no such file)"
    ])
    assert.deepStrictEqual(table(columns, rows, 40), [
      "ID       NAME            STATE",
      "9c1f-04  a-name-that-i…  failed (launch…"
    ])
    assert.deepStrictEqual(table(columns, rows, 24), ["ID       NAME", "9c1f-04  a-name-that-is…"])
    assert.deepStrictEqual(table(columns, rows, 5), ["ID  …", "9c1f…"])
  })

  it("numbers stand under one another", () => {
    const numbers = [{ title: "N", of: (n: number) => String(n), right: true }] as const
    assert.deepStrictEqual(table(numbers, [1, 10, 100], 80), ["  N", "  1", " 10", "100"])
  })

  it("an escape sequence is shown, not sent", () => {
    assert.deepStrictEqual(listing([["why", "\u001b[2Jgone\r\nnext"]]), ["why  \\x1b[2Jgone\\x0d next"])
  })

  it.effect.prop(
    "what is cut takes the cells it may, and is a beginning",
    [Schema.String, Width],
    ([text, cells]) =>
      Effect.sync(() => {
        const cut = elide(plain(text), cells)
        assert.isAtMost(width(cut), cells)
        assert.isTrue(cut === plain(text) || plain(text).startsWith(cut.slice(0, -1)))
      }),
    few
  )

  it.effect.prop(
    "what is folded loses nothing, and no line is wider than it may be but for one of one word",
    [Schema.Array(Schema.String), Width],
    ([words, cells]) =>
      Effect.sync(() => {
        const text = words.map(plain).join(" ")
        const lines = folded(text, cells)
        assert.strictEqual(lines.join(" "), text)
        for (const line of lines) assert.isTrue(width(line) <= cells || !line.includes(" "), line)
      }),
    few
  )

  it("wide characters take two cells", () => {
    assert.strictEqual(elide("漢字漢字", 5), "漢字…")
    assert.strictEqual(elide("漢字漢字", 4), "漢…")
  })
})
