import { assert, describe, it } from "@effect/vitest"
import { median, row, table } from "./Row.ts"

describe("the rows of a bench", () => {
  it("a goal is met by what is not above it, by the exact value and not the rounded one", () => {
    assert.deepStrictEqual(row("a", "ratio", 1.15, 1.15), {
      name: "a",
      value: 1.15,
      unit: "ratio",
      goal: 1.15,
      met: true
    })
    assert.strictEqual(row("a", "ratio", 1.1501, 1.15).met, false)
    assert.deepStrictEqual(row("a", "ms", 2.34567), { name: "a", value: 2.346, unit: "ms", goal: null, met: null })
  })

  it("the median is the middle, or the mean of the two middle ones, of numbers in any order", () => {
    assert.strictEqual(median([10, 9, 100]), 10)
    assert.strictEqual(median([4, 100, 1, 2]), 3)
  })

  it("fit in 80 columns, one below the other", () => {
    const lines = table([
      row("vm-start-overhead-with-disk.by-hand", "ms", 12345.678),
      row("vm-start-overhead", "ratio", 1.2, 1.15)
    ]).split("\n")
    assert.strictEqual(lines.length, 3)
    for (const line of lines) assert.isAtMost(line.length, 80)
    assert.match(lines[2] ?? "", /^vm-start-overhead +1\.20 ratio +<= 1\.15 +NO$/)
    assert.strictEqual(lines[1]?.indexOf(" ms"), lines[2]?.indexOf(" ratio "))
  })
})
