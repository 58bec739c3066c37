/**
 * Tests of stopping and killing a guest.
 */
import { Duration, Effect, Exit, Fiber } from "effect"
import { ConformanceClock } from "./ConformanceClock.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, declared, hostCan, thereIs } from "./ConformanceTest.ts"
import { begin, broken, comes, equals, holds, inWords, neverComes, succeeds } from "./Contract.ts"
import { launched, launcher, running, type Subject, type Watched } from "./Launchers.ts"
import { isPowerOff, lastExit, probes } from "./probing.ts"

/** Longer than anything takes that is waited for. */
const endless = Duration.hours(1)

/** The guest is gone, and its monitor has said so. Answers with how it ended. */
const isGone = Effect.fnUntraced(function*({ guest, id, monitor }: Subject & Watched, when: string) {
  const host = yield* ConformanceHost
  const { interval } = yield* ConformanceClock
  yield* equals(yield* host.guests(id), [], `The guest is gone ${when}`)
  const ended = yield* comes("ended", Effect.timeoutOption(monitor.ended, interval))
  if (Exit.isFailure(ended) || ended.value._tag === "None") {
    return yield* broken(`ended has completed ${when}`, "it has not")
  }
  const told = ended.value.value
  yield* holds(told._tag === "Exited", `ended tells an exit ${when}`, () => inWords(told))
  yield* lastExit(guest, when)
  return told._tag === "Exited" ? told.status : undefined
})

export const ending: ReadonlyArray<ConformanceTest> = [
  {
    name: "stop lets a guest that obeys power itself off, and returns when it is gone",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* running(yield* launcher)
      yield* host.booted(subject.id)
      yield* succeeds("stop", subject.monitor.stop(endless))
      const status = yield* isGone(subject, "when stop has returned")
      yield* holds(
        status !== undefined && isPowerOff(status),
        "stop asks the guest first, and one that obeys powers itself off",
        () => inWords(status)
      )
    })
  },
  {
    name: "stop waits for its grace, and then makes a guest end that does not obey",
    needs: [thereIs("deaf")],
    run: Effect.gen(function*() {
      const subject = yield* running(yield* launcher, { kind: "deaf" })
      const grace = Duration.seconds(1)
      const stopping = yield* begin(subject.monitor.stop(grace))
      const [taken] = yield* Effect.timed(succeeds("stop of a guest that does not obey", Fiber.join(stopping)))
      yield* holds(
        Duration.isGreaterThanOrEqualTo(taken, grace),
        `stop waits for its grace of ${Duration.format(grace)} before it insists`,
        () => `it returned after ${Duration.format(taken)}`
      )
      const status = yield* isGone(subject, "when stop has returned")
      yield* holds(
        status !== undefined && !isPowerOff(status),
        "A guest that was made to end did not power itself off",
        () => inWords(status)
      )
    })
  },
  {
    name: "stop without a grace ends a guest at once",
    needs: [thereIs("deaf")],
    run: Effect.gen(function*() {
      const subject = yield* running(yield* launcher, { kind: "deaf" })
      yield* succeeds("stop without a grace", subject.monitor.stop(Duration.zero))
      yield* isGone(subject, "when stop has returned")
    })
  },
  {
    name: "stop of a guest that is frozen ends it by force",
    needs: [hostCan("freezer")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* running(yield* launcher, { kind: "deaf" })
      yield* host.freezer?.freeze(subject.id) ?? Effect.void
      yield* succeeds("stop of a guest that is frozen", subject.monitor.stop(Duration.millis(100)))
      yield* equals(yield* host.guests(subject.id), [], "The guest is gone when stop has returned")
    })
  },
  {
    name: "stop of a guest that is paused ends it",
    needs: [declared("pause")],
    run: Effect.gen(function*() {
      const subject = yield* running(yield* launcher)
      yield* succeeds("pause", subject.monitor.pause)
      yield* succeeds("stop of a guest that is paused", subject.monitor.stop(Duration.millis(100)))
      yield* isGone(subject, "when stop has returned")
    })
  },
  {
    name: "stop by two fibers at once ends the guest for both",
    needs: [thereIs("deaf")],
    run: Effect.gen(function*() {
      const subject = yield* running(yield* launcher, { kind: "deaf" })
      const { monitor } = subject
      const first = yield* begin(monitor.stop(Duration.millis(500)))
      const second = yield* begin(monitor.stop(Duration.millis(500)))
      yield* succeeds("stop", Fiber.join(first))
      yield* isGone(subject, "when stop has returned")
      yield* succeeds("stop, by another fiber at the same time,", Fiber.join(second))
    })
  },
  {
    name: "stop that is interrupted leaves the guest asked, and can be repeated",
    needs: [thereIs("deaf")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* running(yield* launcher, { kind: "deaf" })
      const { guest, id, monitor } = subject
      const stopping = yield* begin(monitor.stop(endless))
      yield* neverComes("stop waits for its grace", Fiber.join(stopping))
      yield* comes("the interruption of stop", Fiber.interrupt(stopping))
      yield* neverComes("A guest that does not obey lives on when stop is interrupted", monitor.ended)
      yield* equals((yield* host.guests(id)).length, 1, "A guest that does not obey lives on when stop is interrupted")
      yield* probes(guest, ["Running"], "when stop was interrupted")
      yield* succeeds("stop, repeated,", monitor.stop(Duration.zero))
      yield* isGone(subject, "when stop, repeated, has returned")
    })
  },
  {
    name: "kill needs no monitor, returns when the guest is gone, and can be repeated",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { guest, id } = yield* launched(yield* launcher)
      yield* succeeds("kill", guest.kill)
      yield* equals(yield* host.guests(id), [], "The guest is gone when kill has returned")
      yield* lastExit(guest, "when kill has returned")
      yield* succeeds("kill, repeated,", guest.kill)
    })
  },
  {
    name: "kill is seen by who watches",
    needs: [],
    run: Effect.gen(function*() {
      const { guest, monitor } = yield* running(yield* launcher)
      yield* succeeds("kill", guest.kill)
      const ended = yield* succeeds("ended", monitor.ended)
      yield* holds(
        ended._tag === "Exited" && !isPowerOff(ended.status),
        "A guest that was killed has exited, and did not power itself off",
        () => inWords(ended)
      )
    })
  },
  {
    name: "kill ends a guest that is frozen",
    needs: [hostCan("freezer")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { guest, id } = yield* running(yield* launcher)
      yield* host.freezer?.freeze(id) ?? Effect.void
      yield* succeeds("kill of a guest that is frozen", guest.kill)
      yield* equals(yield* host.guests(id), [], "The guest is gone when kill has returned")
    })
  }
]
