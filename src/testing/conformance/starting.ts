/**
 * Tests of launches, and of what a monitor sees of a guest that runs.
 */
import { Duration, Effect, Fiber } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, hostCan, thereIs } from "./ConformanceTest.ts"
import { begin, comes, equals, eventually, holds, inWords, neverComes, refuses, settled, succeeds } from "./Contract.ts"
import { absent, created, launched, launcher, running } from "./Launchers.ts"
import { Notes } from "./Notes.ts"
import { isPowerOff, isUnmade, lastExit, probes } from "./probing.ts"

export const starting: ReadonlyArray<ConformanceTest> = [
  {
    name: "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { createImage, ensureBackingImage, guest, id, remains, start, watch } = yield* absent(yield* launcher)
      yield* isUnmade(guest, "before anything was made")
      yield* ensureBackingImage
      yield* createImage
      yield* probes(guest, ["Created"], "when its disk is made")
      yield* start
      yield* probes(guest, ["Running"], "when it was launched")
      const first = yield* watch
      yield* equals(
        yield* first.connected,
        { paused: false, volumes: [] },
        "connected tells that a new guest runs, and has what it was given"
      )
      yield* host.booted(id)
      yield* succeeds("stop", first.monitor.stop(Duration.minutes(1)))
      yield* first.close
      yield* lastExit(guest, "when it was stopped")
      yield* start
      yield* (yield* watch).connected
      yield* succeeds("kill", guest.kill)
      yield* lastExit(guest, "when it was killed")
      yield* succeeds("deleteImage", guest.deleteImage)
      yield* equals(yield* remains, [], "deleteImage removes every trace")
    })
  },
  {
    name: "a start that has returned has a guest, which everybody can see",
    needs: [],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { guest, id } = yield* launched(one)
      const found = yield* one.discovered
      yield* equals(found.map((guest) => guest.id), [id], "discover tells a guest as soon as its start has returned")
      yield* probes(guest, ["Running"], "when start has returned")
    })
  },
  {
    name: "a guest has the volumes that it was launched with",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const volume = yield* host.volume(VolumeId.make("own"), "sound")
      const { connected, monitor } = yield* running(yield* launcher, { volumes: [volume] })
      yield* equals((yield* connected).volumes, [volume.id], "connected tells the volumes of the launch")
      yield* equals(
        (yield* succeeds("status", monitor.status)).volumes,
        [volume.id],
        "status tells the volumes of the launch"
      )
      yield* equals((yield* host.holders(volume.id)).length, 1, "One guest has its volume open")
    })
  },
  {
    name: "a launch that fails says so each time, and leaves no guest",
    needs: [thereIs("unlaunchable")],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { boot, guest, remains } = yield* created(one, { kind: "unlaunchable" })
      const before = yield* remains
      for (const attempt of ["the first time", "again"]) {
        yield* refuses(`a launch that can not succeed, ${attempt},`, guest.start(boot), [
          "LaunchFailed",
          "ImageUnusable",
          "PathRefused",
          "NoSpace",
          "HostFailure"
        ])
        yield* equals(yield* one.discovered, [], "A launch that fails leaves no guest")
        yield* equals(yield* remains, before, "A launch that fails leaves the host as it was")
      }
    })
  },
  {
    name: "a guest that does not connect is watched, and connected waits for ever, also when it ends",
    needs: [thereIs("silent")],
    run: Effect.gen(function*() {
      const { guest, watch } = yield* launched(yield* launcher, { kind: "silent" })
      const { monitor } = yield* watch
      yield* neverComes("connected waits for the guest", monitor.connected)
      yield* probes(guest, ["Running"], "of a guest that has not connected")
      yield* succeeds("kill of a guest that has not connected", guest.kill)
      yield* comes("ended", monitor.ended)
      yield* neverComes("connected waits for ever when the guest ends first", monitor.connected)
    })
  },
  {
    name: "a guest that does not connect can be stopped",
    needs: [thereIs("silent")],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { guest, watch } = yield* launched(one, { kind: "silent" })
      const { monitor } = yield* watch
      yield* succeeds("stop of a guest that has not connected", monitor.stop(Duration.millis(100)))
      yield* equals(yield* one.discovered, [], "stop returns when the guest is verified to be gone")
      yield* lastExit(guest, "when it was stopped")
    })
  },
  {
    name: "a guest that powers itself off has ended so, told once and the same to everybody",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { guest, id, monitor } = yield* running(yield* launcher)
      yield* host.powerOff(id)
      const ended = yield* succeeds("ended", monitor.ended)
      yield* holds(
        ended._tag === "Exited" && isPowerOff(ended.status),
        "A guest that powered itself off has exited so",
        () => inWords(ended)
      )
      yield* equals(yield* succeeds("ended, asked again,", monitor.ended), ended, "ended completes once")
      const status = yield* lastExit(guest, "when the guest has ended")
      yield* holds(
        status === undefined || isPowerOff(status),
        "probe tells how the last guest ended",
        () => inWords(status)
      )
    })
  },
  {
    name: "a guest that is ended from outside has exited, and not by itself",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const one = yield* launcher
      const { guest, id, monitor } = yield* running(one)
      yield* host.crash(id)
      const ended = yield* succeeds("ended", monitor.ended)
      yield* holds(
        ended._tag === "Exited" && !isPowerOff(ended.status),
        "A guest whose process is gone has exited, and did not power itself off",
        () => inWords(ended)
      )
      yield* equals(yield* one.discovered, [], "discover tells the guests that are there now")
      const status = yield* lastExit(guest, "when the guest was ended from outside")
      yield* holds(
        status === undefined || !isPowerOff(status),
        "probe tells how the last guest ended, when that is known",
        () => inWords(status)
      )
    })
  },
  {
    name: "a guest that panics has ended as panicked",
    needs: [hostCan("panic")],
    run: Effect.gen(function*() {
      const { panic } = yield* ConformanceHost
      const { guest, id, monitor } = yield* running(yield* launcher)
      yield* panic?.(id) ?? Effect.void
      const panicked = { _tag: "Panicked" } as const
      yield* equals(
        yield* succeeds("ended", monitor.ended),
        { _tag: "Exited", status: panicked },
        "A guest whose kernel panicked has exited as panicked"
      )
      yield* equals(
        yield* lastExit(guest, "when the guest has panicked"),
        panicked,
        "probe tells how the last guest ended"
      )
    })
  },
  {
    name: "a reboot is told, and is no end",
    needs: [hostCan("reboot")],
    run: Effect.gen(function*() {
      const { reboot } = yield* ConformanceHost
      const { guest, id, monitor } = yield* running(yield* launcher)
      const notes = new Notes()
      yield* monitor.follow(notes)
      const ending = yield* begin(monitor.ended)
      yield* reboot?.(id) ?? Effect.void
      yield* eventually(
        "A reboot is told as an event",
        Effect.sync(() => notes.events.length > 0 ? undefined : "nothing was told")
      )
      yield* equals(notes.events, [{ _tag: "Rebooted" }], "A reboot is told as an event")
      yield* neverComes("A reboot is no end", Fiber.join(ending))
      yield* equals(notes.ends, [], "A reboot is no end")
      yield* probes(guest, ["Running"], "after a reboot")
    })
  },
  {
    name: "the end is told once to who follows, also to who comes late, and to nobody who follows no more",
    needs: [],
    run: Effect.gen(function*() {
      const { close, guest, monitor, watch } = yield* running(yield* launcher)
      const before = new Notes()
      yield* monitor.follow(before)
      yield* close
      const again = yield* watch
      yield* again.connected
      const [early, left, late] = [new Notes(), new Notes(), new Notes()]
      yield* again.monitor.follow(early)
      yield* Effect.scoped(again.monitor.follow(left))
      yield* succeeds("kill", guest.kill)
      const ended = yield* succeeds("ended", again.monitor.ended)
      yield* again.monitor.follow(late)
      yield* settled
      yield* equals(early.ends, [ended], "Who follows is told the end once, as ended tells it")
      yield* equals(late.ends, [ended], "Who comes after the end is told it at once")
      yield* equals(left.ends, [], "Nothing is told once the follower's scope has closed")
      yield* equals(before.ends, [], "Nothing is told once the monitor's scope has closed")
    })
  },
  {
    name: "what is asked of a guest that is not there answers that it is not running",
    needs: [],
    run: Effect.gen(function*() {
      const { guest, monitor, remains } = yield* running(yield* launcher)
      yield* succeeds("kill", guest.kill)
      yield* succeeds("ended", monitor.ended)
      const before = yield* remains
      yield* refuses("status of a guest that has ended", monitor.status, ["NotRunning"])
      yield* refuses("stats of a guest that has ended", guest.stats, ["NotRunning"])
      yield* refuses("monitor of a guest that has ended", Effect.scoped(guest.monitor), ["NotRunning"])
      yield* succeeds("stop of a guest that has ended", monitor.stop(Duration.minutes(1)))
      yield* succeeds("kill of a guest that has ended", guest.kill)
      yield* equals(yield* remains, before, "What is asked of a guest that has ended changes nothing")
    })
  }
]
