import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as SteadyTime from "../../src/launcher/SteadyTime.ts"

describe("SteadyTime", () => {
  it.effect("is the clock's, and goes on where that is set back", () =>
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

  it("follows a clock that is set forward", () => {
    let wallMillis = 5_000
    let monotonicNanos = 77_000_000n
    const now = SteadyTime.make({
      currentTimeMillisUnsafe: () => wallMillis,
      monotonicTimeNanosUnsafe: () => monotonicNanos
    })
    assert.strictEqual(now(), 5_000)
    wallMillis = 1_795_750_898_652
    monotonicNanos += 1_000_000n
    assert.strictEqual(now(), 1_795_750_898_652)
    wallMillis = 3
    monotonicNanos += 1_000_000n
    assert.strictEqual(now(), 1_795_750_898_653)
  })
})
