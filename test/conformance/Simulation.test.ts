import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Conformance from "../../src/testing/Conformance.ts"
import { virtual } from "../../src/testing/conformance/ConformanceClock.ts"
import * as ConformanceRun from "../../src/testing/conformance/ConformanceRun.ts"
import * as SimulatedConformanceHost from "./SimulatedConformanceHost.ts"

describe("conformance", () => {
  Conformance.suite("the simulation", SimulatedConformanceHost.virtualizer(), {
    host: SimulatedConformanceHost.layer("conformance"),
    clock: virtual({ seed: "conformance" })
  })

  Conformance.suite(
    "a simulation that can do little",
    SimulatedConformanceHost.virtualizer({ boot: ["image"], pause: false, liveVolumes: false, console: false }),
    { host: SimulatedConformanceHost.layer("little"), clock: virtual({ seed: "little" }) }
  )

  Conformance.suite(
    "a simulation that can do everything",
    SimulatedConformanceHost.virtualizer({ boot: ["image", "volume", "kernel", "container"] }),
    { host: SimulatedConformanceHost.layer("everything"), clock: virtual({ seed: "everything" }) }
  )

  for (const seed of [1, 2, 3, 4, 5]) {
    it.live(`the simulation conforms in whatever order fibers run, and however long things take (${seed})`, () =>
      Effect.gen(function*() {
        for (const yieldBudget of [3, 50]) {
          for (const test of ConformanceRun.tests) {
            const outcome = yield* ConformanceRun.run(test, {
              virtualizer: SimulatedConformanceHost.virtualizer(),
              host: SimulatedConformanceHost.layer(seed),
              clock: virtual({ seed, yieldBudget })
            })
            if (outcome._tag === "Failed") assert.fail(`${test.name}: ${outcome.failure.message}`)
          }
        }
      }))
  }
})
