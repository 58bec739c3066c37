import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { virtual } from "../../src/testing/conformance/ConformanceClock.ts"
import * as ConformanceRun from "../../src/testing/conformance/ConformanceRun.ts"
import { tests } from "../../src/testing/conformance/tests.ts"
import * as SimulatedConformanceHost from "./SimulatedConformanceHost.ts"
import { layer, type Wrong } from "./wrong/Wrong.ts"
import { wrongs } from "./wrong/wrongs.ts"

/** The names of the tests that a virtualizer fails. */
const failed = Effect.fnUntraced(function*(wrong: Wrong) {
  const setup = {
    virtualizer: layer(wrong),
    host: SimulatedConformanceHost.layer("wrong"),
    // Few turns make it quick: in which order fibers run is for the virtualizers that are right.
    clock: virtual({ seed: "wrong", yieldBudget: 1000 })
  }
  const outcomes = yield* Effect.forEach(tests, (test) => ConformanceRun.run(test, setup))
  return tests.filter((_, index) => outcomes[index]?._tag === "Failed").map(({ name }) => name)
})

describe("a virtualizer that is wrong fails the tests that it should, and no others", () => {
  for (const wrong of wrongs) {
    it.live(`one that ${wrong.name}`, () =>
      Effect.map(failed(wrong), (names) => assert.deepStrictEqual(names.toSorted(), wrong.fails.toSorted())))
  }

  it("every wrong one fails a test, and every test is failed by a wrong one", () => {
    assert.deepStrictEqual(wrongs.filter(({ fails }) => fails.length === 0).map(({ name }) => name), [])
    const failing = new Set(wrongs.flatMap(({ fails }) => fails))
    assert.deepStrictEqual([...failing].toSorted(), tests.map(({ name }) => name).toSorted())
  })
})
