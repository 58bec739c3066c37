/**
 * An engine may be killed or restarted at any point: a slice of what the soak plays.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as EngineKills from "./EngineKills.ts"

layer(NodeServices.layer, { excludeTestServices: true })("an engine that goes away", (it) => {
  it.effect("comes back to what was asked for, with nothing lost and nothing twice", () =>
    Effect.gen(function*() {
      const violations: Array<string> = []
      yield* EngineKills.run(EngineKills.points(5, 5), (name, wrong) =>
        Effect.sync(() => {
          violations.push(...wrong.map((what) => `${name}: ${what}`))
        }))
      assert.deepStrictEqual(violations, [])
    }))
})
