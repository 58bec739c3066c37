/**
 * Tests of what is left of instances that nobody has a spec of.
 */
import { Effect, Equal } from "effect"
import { ConformanceHost } from "./ConformanceHost.ts"
import type { ConformanceTest } from "./ConformanceTest.ts"
import { equals, holds, inWords, succeeds } from "./Contract.ts"
import { created, launched, launcher, running } from "./Launchers.ts"
import { isUnmade, probes } from "./probing.ts"

export const discarding: ReadonlyArray<ConformanceTest> = [
  {
    name: "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
    needs: [],
    run: Effect.gen(function*() {
      const { directory } = yield* ConformanceHost
      for (const round of ["the first time", "again"]) {
        const one = yield* launcher
        const { id, remains } = yield* created(one)
        yield* one.close
        const { virtualizer } = yield* launcher
        yield* succeeds(`discard, ${round},`, virtualizer.discard(id, directory(id)))
        yield* equals(yield* remains, [], `discard, ${round}, removes every trace`)
      }
      const { guest, start } = yield* created(yield* launcher)
      yield* start
      yield* probes(guest, ["Running"], "when what was discarded was made again, and started")
    })
  },
  {
    name: "discard removes what is left of a guest that was ended, and how it ended",
    needs: [],
    run: Effect.gen(function*() {
      const { directory } = yield* ConformanceHost
      const one = yield* launcher
      const { guest, id, remains } = yield* running(one)
      yield* succeeds("kill", guest.kill)
      yield* one.close
      const { virtualizer } = yield* launcher
      yield* succeeds("discard", virtualizer.discard(id, directory(id)))
      yield* equals(yield* remains, [], "discard removes every trace of a guest that was ended")
      const again = yield* created(yield* launcher)
      const probe = yield* probes(again.guest, ["Created"], "when what was discarded was made again")
      yield* equals(probe, { _tag: "Created", lastExit: undefined }, "A guest that was made again has not ended")
    })
  },
  {
    name: "discard of what is not there succeeds, as often as it is asked for",
    needs: [],
    run: Effect.gen(function*() {
      const { directory } = yield* ConformanceHost
      const one = yield* launcher
      const { guest, id, remains } = yield* created(one)
      const discard = one.virtualizer.discard(id, directory(id))
      for (const round of ["", ", repeated,", ", repeated once more,"]) {
        yield* succeeds(`discard${round}`, discard)
        yield* equals(yield* remains, [], `discard${round} leaves nothing`)
        yield* isUnmade(guest, "when all of it was discarded")
      }
    })
  },
  {
    name: "discard leaves all other instances as they are",
    needs: [],
    run: Effect.gen(function*() {
      const { directory } = yield* ConformanceHost
      const one = yield* launcher
      // Ids of which one is the beginning of another.
      const discarded = yield* created(one, { id: "c1" })
      const others = [yield* created(one, { id: "c10" }), yield* launched(one, { id: "c2" })]
      const before = yield* Effect.forEach(others, ({ remains }) => remains)
      yield* succeeds("discard", one.virtualizer.discard(discarded.id, directory(discarded.id)))
      const after = yield* Effect.forEach(others, ({ remains }) => remains)
      yield* holds(Equal.equals(after, before), "discard leaves what other instances have", () => inWords(after))
      yield* equals((yield* one.discovered).map(({ id }) => id), ["c2"], "discard ends no guest of another instance")
    })
  }
]
