import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { expect } from "vitest"
import { Code } from "../../src/launcher/LauncherError.ts"
import { StartCode } from "../../src/launcher/StartBorder.ts"
import { codes } from "./codes.ts"
import { document } from "./commandsDocument.ts"
import { cellOf, table } from "./commandTable.ts"
import { commands, places, play } from "./states.ts"

describe("every command", () => {
  for (const place of places) {
    it.effect(`to an instance that is ${place} comes to what the table says`, () =>
      Effect.gen(function*() {
        const found: Record<string, string> = {}
        /** What there is when nothing is asked for. */
        const alone = yield* play(place, "get")
        for (const command of commands) {
          const { before, outcome, violations, volumes } = yield* play(place, command)
          const where = `${command}, ${place}`
          assert.strictEqual(
            before,
            place === "(none)" ? undefined : place === "(being deleted)" ? "Stopping" : place,
            where
          )
          assert.deepStrictEqual(violations, [], where)
          const isRefused = outcome.answer !== "ok" && outcome.answer !== "timed_out"
          if (isRefused) assert.strictEqual(outcome.end, alone.outcome.end, where)
          if (isRefused) assert.deepStrictEqual(volumes, alone.volumes, where)
          else if (command === "attach") assert.deepStrictEqual(volumes, ["had", "other"], where)
          else if (command === "detach") assert.deepStrictEqual(volumes, [], where)
          found[command] = cellOf(command, outcome, place)
        }
        assert.deepStrictEqual(found, table[place])
      }))
  }
})

describe("every code", () => {
  for (const { bring, code, when } of codes) {
    it.effect(bring === undefined ? `${code} is ${when}` : `${code}: ${when}`, () =>
      Effect.gen(function*() {
        if (bring !== undefined) assert.strictEqual(yield* bring, code)
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer(), { local: true })))
  }

  it("is in the table, and no other", () => {
    assert.sameMembers(codes.map(({ code }) => code), [...new Set([...Code.literals, ...StartCode.literals])])
  })
})

describe("the documentation", () => {
  it("has these tables: otherwise run npm test -- test/launcher/CommandTable.test.ts -u", async () => {
    await expect(document).toMatchFileSnapshot("../../src/launcher/COMMANDS.md")
  })
})
