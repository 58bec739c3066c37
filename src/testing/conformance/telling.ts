/**
 * Tests of what a guest uses, and of its console.
 */
import { Duration, Effect, Exit, Fiber, Scope, Stream } from "effect"
import type { Guest } from "../../Virtualizer.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, declared, hostCan, thereIs } from "./ConformanceTest.ts"
import { begin, comes, eventually, holds, inWords, isInterrupted, neverComes, succeeds } from "./Contract.ts"
import { hold, launcher, running } from "./Launchers.ts"

/** What a guest has written to its console so far. */
const written = (guest: Guest) =>
  succeeds("the console's log", Stream.mkString(Stream.decodeText(guest.console.log({ follow: false }))))

/** Waits until the guest has written to its console what it is to write. */
const speaks = Effect.fnUntraced(function*(guest: Guest) {
  const { consoleText } = yield* ConformanceHost
  yield* eventually(
    `The console's log has what the guest wrote (${consoleText})`,
    Effect.map(written(guest), (text) => text.includes(consoleText) ? undefined : `it is ${JSON.stringify(text)}`)
  )
})

export const telling: ReadonlyArray<ConformanceTest> = [
  {
    name: "stats are plausible, and grow as a guest's age does",
    needs: [],
    run: Effect.gen(function*() {
      const { guest } = yield* running(yield* launcher)
      const first = yield* succeeds("stats", guest.stats)
      yield* holds(
        Object.values(first).every((value: number | undefined) =>
          value === undefined || (Number.isFinite(value) && value >= 0)
        ),
        "A value of stats is a number from 0 on, or absent when it is not known",
        () => inWords(first)
      )
      yield* holds(
        first.memoryBytes !== 0 && first.diskVirtualBytes !== 0,
        "A guest that runs uses memory, and its disk has a size",
        () => inWords(first)
      )
      yield* eventually(
        "A guest grows older, and its processor time does not shrink",
        Effect.map(
          succeeds("stats, asked again,", guest.stats),
          (later) =>
            (later.cpuMillis ?? 0) < (first.cpuMillis ?? 0) ||
              (first.uptimeMillis !== undefined && (later.uptimeMillis ?? 0) <= first.uptimeMillis)
              ? `${inWords(first)}, then ${inWords(later)}`
              : undefined
        )
      )
    })
  },
  {
    name: "stats never wait for the guest",
    needs: [hostCan("freezer")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { guest, id } = yield* running(yield* launcher)
      yield* host.freezer?.freeze(id) ?? Effect.void
      yield* succeeds("stats of a guest that is frozen", guest.stats)
    })
  },
  {
    name: "stats answer while another operation is in progress",
    needs: [thereIs("deaf")],
    run: Effect.gen(function*() {
      const { guest, monitor } = yield* running(yield* launcher, { kind: "deaf" })
      const stopping = yield* begin(monitor.stop(Duration.hours(1)))
      yield* succeeds("stats during a stop", guest.stats)
      yield* neverComes("stop waits for its grace", Fiber.await(stopping))
    })
  },
  {
    name: "the console's log is read while another operation is in progress",
    needs: [thereIs("deaf"), declared("console")],
    run: Effect.gen(function*() {
      const { guest, monitor } = yield* running(yield* launcher, { kind: "deaf" })
      const stopping = yield* begin(monitor.stop(Duration.hours(1)))
      yield* speaks(guest)
      yield* neverComes("stop waits for its grace", Fiber.await(stopping))
    })
  },
  {
    name: "the console's log has what the guest wrote, for a later launcher too",
    needs: [declared("console")],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { guest, spec } = yield* running(one)
      yield* speaks(guest)
      yield* one.close
      yield* speaks((yield* hold(yield* launcher, spec)).guest)
    })
  },
  {
    name: "the console's log is followed until the guest's end, and may be given up before",
    needs: [declared("console")],
    run: Effect.gen(function*() {
      const { consoleText } = yield* ConformanceHost
      const { guest } = yield* running(yield* launcher)
      const follow = Stream.mkString(Stream.decodeText(guest.console.log({ follow: true })))
      const followed = yield* begin(follow)
      const given = yield* begin(follow)
      yield* speaks(guest)
      yield* isInterrupted("following the console's log", given)
      yield* succeeds("kill", guest.kill)
      const text = yield* succeeds("following the console's log to the guest's end", Fiber.join(followed))
      yield* holds(
        text.includes(consoleText),
        `Following the console's log shows what the guest writes (${consoleText})`,
        () => inWords(text)
      )
    })
  },
  {
    name: "the console is connected to, closed, and connected to again",
    needs: [declared("console")],
    run: Effect.gen(function*() {
      const { guest } = yield* running(yield* launcher)
      for (const round of ["", ", again"]) {
        const scope = yield* Scope.make()
        yield* succeeds(`connecting to the console${round}`, Scope.provide(guest.console.connect, scope))
        yield* comes("closing the console", Scope.close(scope, Exit.void))
      }
    })
  }
]
