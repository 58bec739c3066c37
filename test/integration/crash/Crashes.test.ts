/**
 * A launcher that is killed, with real guests: a slice of what the soak goes through.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Series from "./Series.ts"

const each = { "start": 4, "start again": 2, "stop": 2, "delete": 3, "attach": 2, "detach": 2 }

/** Moments that are short, and matter: a guest that nobody has spoken to, a volume without its device, an answer not given. */
const also = /^(start: before connect|detach: before write the control connection \(3\)|stop: before write the answer)/

describe("a launcher that is killed in the middle of a command, while others are being commanded", () => {
  it.live(
    "is followed by one that makes of every instance what is on record, once, and leaves nothing else",
    () =>
      Effect.gen(function*() {
        const outcomes = yield* Series.crashes({ also, each })
        assert.deepStrictEqual(Series.report(outcomes), [])
        assert.strictEqual(outcomes.length, 18 + 2)
        assert.isAbove(outcomes.reduce((sum, { beside }) => sum + beside, 0), outcomes.length)
      }).pipe(Effect.provide(NodeServices.layer)),
    300_000
  )
})
