import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as KernelText from "../../src/internal/KernelText.ts"

const meminfo = (lines: ReadonlyArray<string>) => [...lines, "MemFree:        123 kB", ""].join("\n")

describe("KernelText", () => {
  it.effect.prop("memory: what the kernel wrote, in bytes, whatever stands beside it", {
    kib: Schema.Natural.check(Schema.isLessThan(2 ** 40)),
    others: Schema.Array(Schema.String)
  }, ({ kib, others }) =>
    Effect.sync(() => {
      const beside = others.map((other) => ` ${other.replaceAll("\n", " ")}`)
      const text = meminfo([...beside, `MemTotal:       ${kib} kB`, "MemAvailable:   7 kB", ...beside])
      assert.strictEqual(KernelText.memoryBytes("MemTotal", text), kib * 1024)
      assert.strictEqual(KernelText.memoryBytes("MemAvailable", text), 7 * 1024)
    }))

  it.effect("memory: nothing, where the number is missing, no number, or beyond all numbers", () =>
    Effect.sync(() => {
      for (
        const line of [
          "",
          "MemTotal:",
          "MemTotal: kB",
          "MemTotal: -1 kB",
          "MemTotal: 1e3 kB",
          "MemTotal: 12x kB",
          "MemTotalSwap: 12 kB",
          " MemTotal: 12 kB",
          `MemTotal: ${Number.MAX_SAFE_INTEGER} kB`,
          `MemTotal: ${"9".repeat(400)} kB`
        ]
      ) {
        assert.isUndefined(KernelText.memoryBytes("MemTotal", meminfo([line])), line)
      }
    }))

  it.effect("memory.stat: the line of that name, not one that begins with it", () =>
    Effect.sync(() => {
      const text = "inactive_file_pages 1\ntotal_inactive_file 2\ninactive_file 3\n"
      assert.strictEqual(KernelText.numberAfter("inactive_file", text), 3)
      assert.strictEqual(KernelText.numberAfter("total_inactive_file", text), 2)
      assert.isUndefined(KernelText.numberAfter("active_file", text))
    }))

  it.effect("load: the first of the numbers", () =>
    Effect.sync(() => {
      assert.strictEqual(KernelText.loadAverage("0.33 0.27 0.14 1/119 5178\n"), 0.33)
      assert.strictEqual(KernelText.loadAverage("1234.50 0.27 0.14 1/119 5178\n"), 1234.5)
      for (const text of ["", "\n", "-1 0 0", "NaN 0 0", "1e9 0 0", "0x1 0 0", "1", `${"9".repeat(400)} 0 0`]) {
        assert.isUndefined(KernelText.loadAverage(text), text)
      }
    }))

  it.effect("descriptors: the soft limit, which may be none", () =>
    Effect.sync(() => {
      const text = (soft: string) =>
        [
          "Limit                     Soft Limit           Hard Limit           Units     ",
          "Max processes             96364                96364                processes ",
          `Max open files            ${soft.padEnd(20)} 1048576              files     `,
          "Max locked memory         8388608              8388608              bytes     ",
          ""
        ].join("\n")
      assert.strictEqual(KernelText.openFilesMax(text("20000")), 20_000)
      assert.strictEqual(KernelText.openFilesMax(text("0")), 0)
      assert.strictEqual(KernelText.openFilesMax(text("unlimited")), Number.MAX_SAFE_INTEGER)
      assert.strictEqual(KernelText.openFilesMax(text("18446744073709551615")), Number.MAX_SAFE_INTEGER)
      for (const soft of ["-1", "many", "1.5"]) assert.isUndefined(KernelText.openFilesMax(text(soft)), soft)
      assert.isUndefined(KernelText.openFilesMax(""))
    }))
})
