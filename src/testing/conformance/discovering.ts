/**
 * Tests of finding guests that nobody has a record of, and of several guests at once.
 */
import { Duration, Effect, Stream } from "effect"
import { ConformanceHost } from "./ConformanceHost.ts"
import type { ConformanceTest } from "./ConformanceTest.ts"
import { equals, neverComes, succeeds } from "./Contract.ts"
import { created, hold, launched, launcher, running } from "./Launchers.ts"
import { lastExit, probes } from "./probing.ts"

export const discovering: ReadonlyArray<ConformanceTest> = [
  {
    name: "discover tells every guest that is there and none that is not, to a launcher that knows of none",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      yield* created(first, { id: "c0" })
      yield* launched(first, { id: "c1" })
      const { guest } = yield* running(first, { id: "c2" })
      yield* running(first, { id: "c3" })
      yield* succeeds("kill", guest.kill)
      yield* first.close
      const second = yield* launcher
      const found = yield* second.discovered
      yield* equals(
        found.map(({ id }) => id as string),
        ["c1", "c3"],
        "discover tells every guest that is there now, whoever launched it"
      )
      yield* equals(yield* second.discovered, found, "discover, repeated, tells the same: it changes nothing")
      for (const { id } of found) yield* equals((yield* host.guests(id)).length, 1, "discover changes nothing")
    })
  },
  {
    name: "a guest that was discovered is destroyed by force, and its files and the other guests are left",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      const { id, spec } = yield* running(first, { id: "c0", kind: "deaf" })
      const other = yield* running(first, { id: "c1" })
      const disk = yield* host.disk(id)
      const second = yield* launcher
      const [found] = yield* second.discovered
      if (found === undefined) return yield* Effect.die("the guests were not discovered")
      yield* succeeds("destroy", second.virtualizer.destroy(found))
      yield* equals(yield* host.guests(id), [], "The guest is gone when destroy has returned")
      const { guest, start, watch } = yield* hold(second, spec)
      yield* lastExit(guest, "when the guest was destroyed: its files are left,")
      yield* equals(yield* host.disk(id), disk, "destroy leaves the files of a guest")
      yield* succeeds("destroy, repeated,", second.virtualizer.destroy(found))
      yield* neverComes("destroy leaves the other guests", other.monitor.ended)
      yield* equals((yield* host.guests(other.id)).length, 1, "destroy leaves the other guests")
      yield* start
      yield* (yield* watch).connected
    })
  },
  {
    name: "a guest whose launch nobody waited for to connect is destroyed too",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      const { id } = yield* launched(first)
      const second = yield* launcher
      yield* succeeds(
        "destroy of all that was discovered",
        Stream.runForEach(second.virtualizer.discover, second.virtualizer.destroy)
      )
      yield* equals(yield* host.guests(id), [], "The guest is gone when destroy has returned")
      yield* equals(yield* second.discovered, [], "discover tells no guest that was destroyed")
    })
  },
  {
    name: "two instances at once do not disturb each other",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const one = yield* launcher
      const [left, right] = yield* Effect.all([running(one, { id: "c0" }), running(one, { id: "c1" })], {
        concurrency: "unbounded"
      })
      yield* host.booted(left.id)
      const remains = yield* right.remains
      yield* Effect.all([
        succeeds("stop of one", left.monitor.stop(Duration.hours(1))),
        succeeds("status of the other meanwhile", right.monitor.status)
      ], { concurrency: "unbounded" })
      yield* succeeds("deleteImage of one", left.guest.deleteImage)
      yield* equals(yield* left.remains, [], "deleteImage removes every trace of its own instance")
      yield* equals(yield* right.remains, remains, "What one instance does leaves the other as it is")
      yield* neverComes("The end of one guest is not another's", right.monitor.ended)
      yield* probes(right.guest, ["Running"], "of an instance that was not stopped")
      yield* equals((yield* host.guests(right.id)).length, 1, "A guest lives on when another is stopped")
    })
  }
]
