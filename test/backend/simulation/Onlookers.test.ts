import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Onlookers } from "../../../src/backend/simulation/Onlookers.ts"

describe("Onlookers", () => {
  it.effect("who waits sees what is there, and looks no more then", () =>
    Effect.gen(function*() {
      const onlookers = new Onlookers()
      const values: Array<number> = []
      let looks = 0
      const fiber = yield* Effect.forkChild(
        onlookers.wait(() => {
          looks++
          return values.at(0)
        }),
        { startImmediately: true }
      )
      onlookers.changed()
      assert.isUndefined(fiber.pollUnsafe())
      values.push(7)
      onlookers.changed()
      assert.strictEqual(yield* Fiber.join(fiber), 7)
      onlookers.changed()
      assert.strictEqual(looks, 3)
      assert.strictEqual(yield* onlookers.wait(() => values.at(0)), 7)
    }))

  it.effect("who is interrupted looks no more", () =>
    Effect.gen(function*() {
      const onlookers = new Onlookers()
      let looks = 0
      const fiber = yield* Effect.forkChild(
        onlookers.wait(() => {
          looks++
          return undefined
        }),
        { startImmediately: true }
      )
      yield* Fiber.interrupt(fiber)
      onlookers.changed()
      assert.strictEqual(looks, 1)
    }))

  it.effect("who goes on can wait again in the same act, and is not forgotten", () =>
    Effect.gen(function*() {
      const onlookers = new Onlookers()
      let value = 0
      const at = (least: number) => onlookers.wait(() => value >= least ? value : undefined)
      const patient = yield* Effect.forkChild(Effect.andThen(at(1), at(2)), { startImmediately: true })
      const other = yield* Effect.forkChild(at(2), { startImmediately: true })
      value = 1
      onlookers.changed()
      value = 2
      onlookers.changed()
      assert.deepStrictEqual([yield* Fiber.join(patient), yield* Fiber.join(other)], [2, 2])
    }))
})
