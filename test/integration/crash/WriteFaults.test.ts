/**
 * Writes of a launcher that fail, with real guests: a slice of what the soak goes through.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Series from "./Series.ts"

const each = { "start": 9, "start again": 3, "stop": 4, "delete": 5, "attach": 3, "detach": 0 }

describe("a launcher one of whose writes fails, for want of space, by a broken or by a read-only disk", () => {
  it.live(
    "says so, changes nothing, lives, kills no guest, and does it when it is asked again",
    () =>
      Effect.gen(function*() {
        const outcomes = yield* Series.writeFaults({ each })
        assert.deepStrictEqual(Series.report(outcomes), [])
        assert.strictEqual(outcomes.length, 24 + 2)
      }).pipe(Effect.provide(NodeServices.layer)),
    300_000
  )
})
