import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Fence } from "../../../src/backend/simulation/Fence.ts"

describe("Fence", () => {
  it.effect("what comes after the cut is interrupted, does nothing, and is counted", () =>
    Effect.gen(function*() {
      const fence = new Fence()
      let done = 0
      const act = fence.act(() => ++done)
      const actEffect = fence.actEffect(() => Effect.succeed(++done))
      assert.strictEqual(yield* act, 1)
      assert.strictEqual(yield* actEffect, 2)
      assert.isTrue(fence.isUp)
      assert.strictEqual(fence.refused, 0)

      fence.cut()
      assert.isFalse(fence.isUp)
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(act)))
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(actEffect)))
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(fence.wait(Effect.void))))
      assert.strictEqual(done, 2)
      assert.strictEqual(fence.refused, 3)
    }))

  it.effect("a wait ends with the launcher, also where interruption is held back", () =>
    Effect.gen(function*() {
      const fence = new Fence()
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(fence.wait(Effect.never)), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(fiber.pollUnsafe())
      fence.cut()
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.strictEqual(fence.refused, 0)
    }))

  it.effect("a wait ends with what is waited for", () =>
    Effect.gen(function*() {
      const fence = new Fence()
      const fiber = yield* Effect.forkChild(fence.wait(Effect.as(Effect.sleep("1 second"), "seen")), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "seen")
    }))
})
