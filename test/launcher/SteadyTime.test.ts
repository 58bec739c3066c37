import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as SteadyTime from "../../src/launcher/SteadyTime.ts"

describe("SteadyTime", () => {
  it.effect("begins with the clock, and counts what passes, whatever the clock is set to", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_795_750_898_652)
      const now = SteadyTime.make(yield* Clock.Clock)
      assert.strictEqual(now(), 1_795_750_898_652)
      for (const millis of [1, 7, 999, 86_400_000]) {
        const before = now()
        yield* TestClock.adjust(millis)
        assert.strictEqual(now(), before + millis)
      }
      const before = now()
      yield* TestClock.setTime(1_000)
      assert.strictEqual(now(), before)
      yield* TestClock.adjust(250)
      assert.strictEqual(now(), before + 250)
    }))
})
