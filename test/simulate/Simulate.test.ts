/** The simulation in CI: many seeds. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Choices } from "./Outcome.ts"
import * as Runs from "./Runs.ts"

const standard: Choices = {
  seed: 1,
  seeds: 1,
  commands: 1_000,
  instances: 8,
  faults: "default",
  yieldBudget: 5,
  crashMeanSteps: 4_000
}

/** How many commands each kind of run asks for in all, in thousands. Each seed is one thousand. */
const kinds: ReadonlyArray<Partial<Choices>> = [
  { seed: 1, seeds: 110, yieldBudget: 5 },
  { seed: 1_001, seeds: 40, yieldBudget: 4, crashMeanSteps: 1_500 },
  { seed: 2_001, seeds: 30, yieldBudget: 3 },
  { seed: 3_001, seeds: 10, faults: "hostile" },
  { seed: 4_001, seeds: 10, faults: "none" }
]

describe("launchers under random commands, faults and crashes", () => {
  it.live("keep what they say, over 200,000 commands", () =>
    Effect.gen(function*() {
      let commands = 0
      let crashes = 0
      for (const kind of kinds) {
        const outcome = yield* Runs.run({ ...standard, ...kind })
        assert.deepStrictEqual(outcome.violations, [])
        commands += outcome.commands
        crashes += outcome.crashes
      }
      assert.isAtLeast(commands, 200_000)
      assert.isAtLeast(crashes, 1_000)
    }), 600_000)

  it.live("end in the middle when they are interrupted", () =>
    Effect.gen(function*() {
      const run = Runs.run({ ...standard, commands: 1_000_000 })
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(run, "500 millis")))
    }), 20_000)
})
