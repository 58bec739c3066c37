/**
 * Tests of launchers that come and go while a guest runs on.
 */
import { Duration, Effect } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, declared } from "./ConformanceTest.ts"
import { broken, equals, holds, inWords, neverComes, refuses, succeeds } from "./Contract.ts"
import * as FiberCensus from "./FiberCensus.ts"
import { absent, hold, launched, launcher, running } from "./Launchers.ts"
import { isPowerOff, lastExit, probes } from "./probing.ts"

export const adopting: ReadonlyArray<ConformanceTest> = [
  {
    name: "a guest outlives its launcher, and another adopts the same one, which it can stop",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      const { id, spec } = yield* running(first)
      yield* host.booted(id)
      const [discovered, guests] = [yield* first.discovered, yield* host.guests(id)]
      yield* first.close
      const second = yield* launcher
      yield* equals(yield* second.discovered, discovered, "Closing a launcher leaves its guests as they are")
      const { guest, watch } = yield* hold(second, spec)
      yield* probes(guest, ["Running"], "of a guest that an earlier launcher launched")
      const { connected, monitor } = yield* watch
      yield* equals(
        yield* connected,
        { paused: false, volumes: [] },
        "connected tells what an adopted guest is and has"
      )
      yield* equals(yield* host.guests(id), guests, "Adopting a guest does not launch another")
      yield* succeeds("stop of an adopted guest", monitor.stop(Duration.hours(1)))
      const ended = yield* succeeds("ended", monitor.ended)
      yield* holds(
        ended._tag === "Exited" && isPowerOff(ended.status),
        "An adopted guest that obeys powers itself off",
        () => inWords(ended)
      )
      yield* equals(yield* host.guests(id), [], "The guest is gone when stop has returned")
    })
  },
  {
    name: "a guest that was launched and never watched is adopted, and connects",
    needs: [],
    run: Effect.gen(function*() {
      const first = yield* launcher
      const { spec } = yield* launched(first)
      yield* first.close
      const { connected } = yield* (yield* hold(yield* launcher, spec)).watch
      yield* equals(
        yield* connected,
        { paused: false, volumes: [] },
        "connected tells what an adopted guest is and has"
      )
    })
  },
  {
    name: "closing a monitor leaves its guest as it is, and another can be taken at once",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { close, guest, id, monitor, watch } = yield* running(yield* launcher)
      const guests = yield* host.guests(id)
      yield* close
      yield* neverComes("Nothing has ended when a monitor is closed", monitor.ended)
      for (let round = 0; round < 3; round++) {
        const again = yield* watch
        yield* again.connected
        yield* again.close
      }
      yield* equals(yield* host.guests(id), guests, "Closing a monitor leaves its guest as it is")
      yield* probes(guest, ["Running"], "when its monitor was closed")
    })
  },
  {
    name: "a guest that was paused is adopted as paused, and stays so",
    needs: [declared("pause")],
    run: Effect.gen(function*() {
      const first = yield* launcher
      const { monitor, spec } = yield* running(first)
      yield* succeeds("pause", monitor.pause)
      yield* first.close
      const { connected, monitor: later } = yield* (yield* hold(yield* launcher, spec)).watch
      yield* equals((yield* connected).paused, true, "connected tells that an adopted guest is paused")
      yield* equals((yield* succeeds("status", later.status)).paused, true, "Adopting a guest leaves it paused")
      yield* succeeds("resume of an adopted guest", later.resume)
      yield* equals((yield* succeeds("status", later.status)).paused, false, "resume lets an adopted guest run")
    })
  },
  {
    name: "volumes that were attached are known to the launcher that adopts, and can be detached by it",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const volume = yield* host.volume(VolumeId.make("data"), "sound")
      const first = yield* launcher
      const { monitor, spec } = yield* running(first)
      yield* succeeds("attachVolume", monitor.attachVolume(volume))
      yield* first.close
      const { connected, monitor: later } = yield* (yield* hold(yield* launcher, spec)).watch
      yield* equals((yield* connected).volumes, [volume.id], "connected tells the volumes of an adopted guest")
      yield* succeeds("attachVolume of what an adopted guest has", later.attachVolume(volume))
      yield* succeeds("detachVolume of what an adopted guest has", later.detachVolume(volume.id))
      yield* equals(yield* host.holders(volume.id), [], "Nobody has open what is detached")
    })
  },
  {
    name: "a guest that powered itself off while nobody watched is told to have done so",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      const { id, spec } = yield* running(first)
      yield* first.close
      yield* host.powerOff(id)
      const { guest, watch } = yield* hold(yield* launcher, spec)
      const found = yield* probes(guest, ["Running", "Created"], "of a guest that powered itself off, or is about to")
      if (found._tag === "Running") {
        // It has not come to its end, or is held there.
        const { monitor } = yield* watch
        const ended = yield* succeeds("ended", monitor.ended)
        yield* holds(
          ended._tag === "Exited" && isPowerOff(ended.status),
          "A guest that powered itself off while nobody watched has exited so",
          () => inWords(ended)
        )
      }
      const status = yield* lastExit(guest, "when the guest has ended")
      yield* holds(
        status === undefined || isPowerOff(status),
        "probe tells how a guest ended while nobody watched, when that is known",
        () => inWords(status)
      )
      yield* equals(yield* host.guests(id), [], "A guest that has ended is not kept")
    })
  },
  {
    name: "a guest that was ended while nobody watched is told to be gone",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const first = yield* launcher
      const { guest: before, id, spec } = yield* running(first)
      yield* first.close
      yield* host.crash(id)
      const second = yield* launcher
      const { guest, start, watch } = yield* hold(second, spec)
      yield* equals(yield* second.discovered, [], "discover tells the guests that are there now")
      const status = yield* lastExit(guest, "when the guest was ended from outside")
      yield* holds(
        status === undefined || !isPowerOff(status),
        "probe does not make up how a guest ended",
        () => inWords(status)
      )
      yield* lastExit(before, "also when an earlier hold on the guest is asked: never from memory,")
      yield* refuses("monitor of a guest that is gone", Effect.scoped(guest.monitor), ["NotRunning"])
      yield* start
      yield* (yield* watch).connected
    })
  },
  {
    name: "a guest has at most one monitor at a time: another is refused, and the first is not disturbed",
    needs: [],
    run: Effect.gen(function*() {
      const { close, guest, monitor, spec, watch } = yield* running(yield* launcher)
      const other = yield* hold(yield* launcher, spec)
      for (const second of [guest, other.guest]) {
        yield* refuses("monitor of a guest that has one", Effect.scoped(second.monitor), ["Unreachable"])
      }
      yield* succeeds("status, asked of the first monitor,", monitor.status)
      yield* neverComes("The first monitor is not disturbed by a second", monitor.ended)
      yield* close
      yield* (yield* watch).connected
    })
  },
  {
    name: "every fiber of a launcher has ended when it is closed",
    needs: [],
    run: Effect.gen(function*() {
      // What the host of the test does for it is not counted.
      const { spec } = yield* absent(yield* launcher)
      const census = FiberCensus.make()
      yield* census.count(Effect.gen(function*() {
        const first = yield* launcher
        const { createImage, ensureBackingImage, start, watch } = yield* hold(first, spec)
        yield* ensureBackingImage
        yield* createImage
        yield* start
        const { connected, monitor } = yield* watch
        yield* connected
        yield* succeeds("status", monitor.status)
        yield* first.close
      }))
      // What ended has been told a moment later.
      yield* Effect.yieldNow
      yield* census.alive === 0
        ? Effect.void
        : broken("Closing a launcher ends every fiber of it", `${census.alive} still there`)
    })
  }
]
