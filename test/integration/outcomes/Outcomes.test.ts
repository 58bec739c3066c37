/**
 * The same commands have the same outcomes on the simulation and on QEMU: a slice of what the soak plays.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Outcomes from "./Outcomes.ts"

/** Where there are differences, the fewest commands that show each are looked for. */
const slowly = 300_000

describe("random commands", () => {
  it.live("have the same outcomes on the simulation and on QEMU", () =>
    Effect.gen(function*() {
      const differences = yield* Outcomes.run({ seed: 37, sequences: 12, length: 14 })
      assert.strictEqual(differences.map(Outcomes.report).join("\n\n"), "")
    }).pipe(Effect.provide(NodeServices.layer)), slowly)
})
