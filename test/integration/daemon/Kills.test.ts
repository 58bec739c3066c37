/**
 * `kill -9` of the daemon under load, with real guests and simulated ones. The soak does it a hundred times.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Kills from "./Kills.ts"
import { inject } from "vitest"
import * as Programs from "../../host/Programs.ts"

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("a daemon that is killed", (it) => {
  it.effect("loses nothing that it answered, and restarts no guest", () =>
    Effect.gen(function*() {
      const { answered, problems } = yield* Kills.rounds(3)
      assert.deepStrictEqual(problems, [])
      assert.isAbove(answered, 0)
    }))
})
