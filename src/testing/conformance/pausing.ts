/**
 * Tests of pausing a guest.
 */
import { Effect } from "effect"
import { type ConformanceTest, declared } from "./ConformanceTest.ts"
import { equals, eventually, refuses, settled, succeeds } from "./Contract.ts"
import { launcher, running } from "./Launchers.ts"
import { Notes } from "./Notes.ts"
import { probes } from "./probing.ts"

export const pausing: ReadonlyArray<ConformanceTest> = [
  {
    name: "pause and resume can be repeated, and status tells which is so",
    needs: [declared("pause")],
    run: Effect.gen(function*() {
      const { guest, monitor } = yield* running(yield* launcher)
      const isPaused = Effect.map(succeeds("status", monitor.status), ({ paused }) => paused)
      for (const round of ["", ", repeated,"]) {
        yield* succeeds(`pause${round}`, monitor.pause)
        yield* equals(yield* isPaused, true, `status tells that the guest is paused when pause${round} has returned`)
      }
      yield* probes(guest, ["Running"], "of a guest that is paused")
      for (const round of ["", ", repeated,"]) {
        yield* succeeds(`resume${round}`, monitor.resume)
        yield* equals(yield* isPaused, false, `status tells that the guest runs when resume${round} has returned`)
      }
    })
  },
  {
    name: "pause and resume are told as events, once each",
    needs: [declared("pause")],
    run: Effect.gen(function*() {
      const { monitor } = yield* running(yield* launcher)
      const notes = new Notes()
      yield* monitor.follow(notes)
      yield* succeeds("pause", monitor.pause)
      yield* succeeds("pause, repeated,", monitor.pause)
      yield* succeeds("resume", monitor.resume)
      yield* succeeds("resume, repeated,", monitor.resume)
      // A virtualizer may be told of what it did later than that it is done.
      yield* eventually(
        "Events tell when the guest is paused and when it is resumed, once each",
        Effect.sync(() => notes.events.length > 1 ? undefined : `${notes.events.length} were told`)
      )
      yield* settled
      yield* equals(
        notes.events.map(({ _tag }) => _tag),
        ["Paused", "Resumed"],
        "Events tell when the guest is paused and when it is resumed, once each"
      )
    })
  },
  {
    name: "pause and resume of a guest that has ended answer that it is not running",
    needs: [declared("pause")],
    run: Effect.gen(function*() {
      const { guest, monitor } = yield* running(yield* launcher)
      yield* succeeds("kill", guest.kill)
      yield* succeeds("ended", monitor.ended)
      yield* refuses("pause of a guest that has ended", monitor.pause, ["NotRunning"])
      yield* refuses("resume of a guest that has ended", monitor.resume, ["NotRunning"])
    })
  }
]
