/**
 * The soak as a program, as far as it runs no guests.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { soak } from "./program.ts"

describe("the soak", () => {
  it.live("goes through a round and tells what it was", () =>
    Effect.gen(function*() {
      const { ended } = yield* soak(["--only", "simulate", "--commands", "300", "--seed", "1", "--rounds", "2"])
      const { code, stdout } = yield* ended
      assert.match(stdout, /^round 1, seed 1\n/)
      assert.match(stdout, /\nround 2, seed 2\n/)
      assert.match(stdout, /\n {2}rounds {4}2 whole\n {2}simulate {2}600 simulated commands\n/)
      assert.match(stdout, /\n {2}violations 0\n$/)
      assert.isTrue(stdout.split("\n").every((line) => line.length <= 80))
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("refuses what it can not do, in words", () =>
    Effect.gen(function*() {
      const told = (...args: ReadonlyArray<string>) => Effect.flatMap(soak(args), ({ ended }) => ended)
      const [time, count, both] = yield* Effect.all([
        told("--for", "soon"),
        told("--rounds", "0"),
        told("--for", "1m", "--rounds", "1")
      ], { concurrency: "unbounded" })
      assert.match(time.stderr, /--for takes a number and a unit, such as 90s, 30m, 8h or 2d, not soon/)
      assert.match(count.stderr, /--rounds must be 1 or more, not 0/)
      assert.match(both.stderr, /--for and --rounds can not both be given: choose one/)
      assert.deepStrictEqual([time.code, count.code, both.code], [2, 2, 2])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
