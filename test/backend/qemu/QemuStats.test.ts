import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as QemuStats from "../../../src/backend/qemu/QemuStats.ts"

const stat = (name: string, state: string, user: number, system: number, start: number) =>
  `4711 (${name}) ${state} 1 4711 4711 0 -1 1077936384 9 0 0 0 ${user} ${system} 3 4 20 0 5 0 ${start} 9437184 1024\n`

const Ticks = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))

describe("QemuStats", () => {
  describe("parseStat", () => {
    it.prop("finds the fields behind any name", [Schema.String, Ticks, Ticks, Ticks], ([name, user, system, start]) => {
      assert.deepStrictEqual(QemuStats.parseStat(stat(name, "S", user, system, start)), {
        state: "S",
        cpuMillis: (user + system) * 10,
        startMillis: start * 10
      })
    })

    it("answers nothing for what is cut short", () => {
      assert.isUndefined(QemuStats.parseStat(""))
      assert.isUndefined(QemuStats.parseStat("4711 (qemu) S 1 2 3"))
    })
  })

  describe("parseKilobytes", () => {
    const rollup =
      "55d0a000-7ffc ---p 00000000 00:00 0   [rollup]\nRss:    69420 kB\nPss:    65536 kB\nPss_Anon:  12 kB\n"

    it("reads the line of that name only", () => {
      assert.strictEqual(QemuStats.parseKilobytes(rollup, "Pss"), 64 * 1024 * 1024)
      assert.strictEqual(QemuStats.parseKilobytes(rollup, "Pss_Anon"), 12 * 1024)
      assert.isUndefined(QemuStats.parseKilobytes(rollup, "Pss_"))
      assert.isUndefined(QemuStats.parseKilobytes("Pss: many kB\n", "Pss"))
    })
  })

  describe("parseUptime", () => {
    it("reads seconds and hundredths", () => {
      assert.strictEqual(QemuStats.parseUptime("12345.07 23456.78\n"), 12_345_070)
      assert.isUndefined(QemuStats.parseUptime(""))
    })
  })
})
