/**
 * Tests of attaching volumes to a running guest, and detaching them.
 */
import { Effect } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import type { Monitor } from "../../Virtualizer.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, declared } from "./ConformanceTest.ts"
import { equals, neverComes, refuses, succeeds } from "./Contract.ts"
import { launcher, running } from "./Launchers.ts"

/** The guest is to have these volumes, in whatever order. */
const hasVolumes = Effect.fnUntraced(function*({ status }: Monitor, expected: ReadonlyArray<VolumeId>, when: string) {
  const { volumes } = yield* succeeds("status", status)
  yield* equals(volumes.toSorted(), expected.toSorted(), `status tells the guest's volumes ${when}`)
})

export const volumes: ReadonlyArray<ConformanceTest> = [
  {
    name: "a volume is attached and detached, and doing so again changes nothing",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const volume = yield* host.volume(VolumeId.make("data"), "sound")
      const { monitor } = yield* running(yield* launcher)
      for (const round of ["", ", repeated,"]) {
        yield* succeeds(`attachVolume${round}`, monitor.attachVolume(volume))
        yield* hasVolumes(monitor, [volume.id], `when attachVolume${round} has returned`)
        yield* equals((yield* host.holders(volume.id)).length, 1, "One guest has open what is attached to it")
      }
      for (const round of ["", ", repeated,"]) {
        yield* succeeds(`detachVolume${round}`, monitor.detachVolume(volume.id))
        yield* hasVolumes(monitor, [], `when detachVolume${round} has returned`)
        yield* equals(yield* host.holders(volume.id), [], "Nobody has open what is detached")
      }
      yield* succeeds("attachVolume of what was detached", monitor.attachVolume(volume))
      yield* hasVolumes(monitor, [volume.id], "when it was attached again")
    })
  },
  {
    name: "detachVolume of one that the guest does not have succeeds",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const { monitor } = yield* running(yield* launcher)
      yield* succeeds("detachVolume of one that was never attached", monitor.detachVolume(VolumeId.make("never")))
      yield* hasVolumes(monitor, [], "when nothing was attached")
    })
  },
  {
    name: "a volume that the guest was launched with can be detached, and another attached beside it",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const own = yield* host.volume(VolumeId.make("own"), "sound")
      const data = yield* host.volume(VolumeId.make("data"), "sound")
      const { monitor } = yield* running(yield* launcher, { volumes: [own] })
      yield* succeeds("attachVolume", monitor.attachVolume(data))
      yield* hasVolumes(monitor, [own.id, data.id], "those of the launch and those attached later")
      yield* succeeds("detachVolume of one that the guest was launched with", monitor.detachVolume(own.id))
      yield* hasVolumes(monitor, [data.id], "when one of two was detached")
      yield* equals(yield* host.holders(own.id), [], "Nobody has open what is detached")
    })
  },
  {
    name: "an attachment that fails is undone, harms nothing, and the next one succeeds",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const [missing, sound] = [
        yield* host.volume(VolumeId.make("missing"), "missing"),
        yield* host.volume(VolumeId.make("data"), "sound")
      ]
      const { monitor } = yield* running(yield* launcher)
      yield* refuses("attachVolume of one whose bytes are missing", monitor.attachVolume(missing), [
        "AttachFailed",
        "ImageUnusable",
        "PathRefused"
      ])
      yield* hasVolumes(monitor, [], "when an attachment has failed")
      yield* neverComes("An attachment that fails harms nothing", monitor.ended)
      yield* succeeds("attachVolume after one that failed", monitor.attachVolume(sound))
      yield* hasVolumes(monitor, [sound.id], "when the next attachment has succeeded")
    })
  },
  {
    name: "volumes of a guest that has ended are neither attached nor detached, since it is not running",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const own = yield* host.volume(VolumeId.make("own"), "sound")
      const data = yield* host.volume(VolumeId.make("data"), "sound")
      const { guest, monitor } = yield* running(yield* launcher, { volumes: [own] })
      yield* succeeds("kill", guest.kill)
      yield* succeeds("ended", monitor.ended)
      yield* refuses("attachVolume to a guest that has ended", monitor.attachVolume(data), ["NotRunning"])
      yield* refuses("detachVolume from a guest that has ended", monitor.detachVolume(own.id), ["NotRunning"])
      yield* equals(yield* host.holders(own.id), [], "Nobody has open what a guest had that has ended")
    })
  },
  {
    name: "several fibers attach, detach and ask at once, and all get their answers",
    needs: [declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const [own, data, more] = [
        yield* host.volume(VolumeId.make("own"), "sound"),
        yield* host.volume(VolumeId.make("data"), "sound"),
        yield* host.volume(VolumeId.make("more"), "sound")
      ]
      const { guest, monitor } = yield* running(yield* launcher, { volumes: [own] })
      yield* Effect.all([
        succeeds("attachVolume of one", monitor.attachVolume(data)),
        succeeds("attachVolume of another", monitor.attachVolume(more)),
        succeeds("detachVolume of a third", monitor.detachVolume(own.id)),
        succeeds("status", monitor.status),
        succeeds("stats", guest.stats)
      ], { concurrency: "unbounded", discard: true })
      yield* hasVolumes(monitor, [data.id, more.id], "when all has been done at once")
    })
  }
]
