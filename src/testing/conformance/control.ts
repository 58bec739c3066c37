/**
 * Tests of a control channel that breaks, and of a guest that does not answer: unknown is not exited.
 */
import { Effect } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, declared, hostCan } from "./ConformanceTest.ts"
import { comes, equals, holds, inWords, neverComes, refuses, succeeds } from "./Contract.ts"
import { launcher, running, type Subject, type Watched } from "./Launchers.ts"
import { lastExit } from "./probing.ts"

/** A guest whose control channel has broken. */
const severed = Effect.gen(function*() {
  const host = yield* ConformanceHost
  const subject = yield* running(yield* launcher)
  yield* host.control?.sever(subject.id) ?? Effect.void
  return subject
})

/** The control channel is told to be lost, and nothing else. */
const isLost = Effect.fnUntraced(function*({ monitor }: Watched, why: string) {
  const ended = yield* succeeds("ended", monitor.ended)
  yield* holds(ended._tag === "Lost", `ended tells a loss, and no exit, ${why}`, () => inWords(ended))
  return ended
})

/** The guest is there, the same as before, although nothing can be asked of it. */
const isThere = Effect.fnUntraced(function*({ guest, id }: Subject, why: string) {
  const host = yield* ConformanceHost
  yield* equals((yield* host.guests(id)).length, 1, `A guest is left alone ${why}`)
  const probed = yield* comes(`probe ${why}`, guest.probe)
  if (probed._tag === "Failure") yield* refuses(`probe ${why}`, guest.probe, ["Unreachable"])
  else yield* equals(probed.value._tag, "Running", `probe says Running, or fails with Unreachable, ${why}`)
})

/** The guest is adopted, which it could not be. */
const isBack = Effect.fnUntraced(function*({ close, monitor, watch }: Subject & Watched) {
  yield* close
  const again = yield* watch
  yield* equals(yield* again.connected, { paused: false, volumes: [] }, "A guest that is back is adopted as it was")
  yield* neverComes("A guest that is back has not ended", again.monitor.ended)
  yield* holds(
    (yield* succeeds("ended, of the monitor before,", monitor.ended))._tag === "Lost",
    "ended completes once",
    () => "it has become an exit"
  )
})

export const control: ReadonlyArray<ConformanceTest> = [
  {
    name: "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
    needs: [hostCan("control")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* severed
      const why = "when the control channel broke"
      yield* isLost(subject, why)
      yield* isThere(subject, why)
      yield* refuses(`status ${why}`, subject.monitor.status, ["Unreachable"])
      yield* subject.close
      yield* refuses(`monitor ${why}`, Effect.scoped(subject.guest.monitor), ["Unreachable"])
      yield* isThere(subject, why)
      yield* host.control?.restore(subject.id) ?? Effect.void
      yield* isBack(subject)
    })
  },
  {
    name: "a guest whose control channel broke can be killed, and has been lost all the same",
    needs: [hostCan("control")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* severed
      const lost = yield* isLost(subject, "when the control channel broke")
      yield* succeeds("kill of a guest whose control channel broke", subject.guest.kill)
      yield* equals(yield* host.guests(subject.id), [], "The guest is gone when kill has returned")
      yield* lastExit(subject.guest, "when the guest was killed")
      yield* equals(yield* succeeds("ended, asked again,", subject.monitor.ended), lost, "ended completes once")
    })
  },
  {
    name: "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed",
    needs: [hostCan("freezer")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const subject = yield* running(yield* launcher)
      yield* host.freezer?.freeze(subject.id) ?? Effect.void
      const why = "when the guest is frozen"
      yield* refuses(`status ${why}`, subject.monitor.status, ["Unreachable"])
      yield* isLost(subject, why)
      yield* isThere(subject, why)
      yield* subject.close
      yield* refuses(`monitor ${why}`, Effect.scoped(subject.guest.monitor), ["Unreachable"])
      yield* host.freezer?.thaw(subject.id) ?? Effect.void
      yield* isBack(subject)
    })
  },
  {
    name: "pause and resume of a guest that is frozen fail in time",
    needs: [hostCan("freezer"), declared("pause")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const { id, monitor } = yield* running(yield* launcher)
      yield* host.freezer?.freeze(id) ?? Effect.void
      yield* refuses("pause of a guest that is frozen", monitor.pause, ["Unreachable"])
      yield* refuses("resume of a guest that is frozen", monitor.resume, ["Unreachable"])
    })
  },
  {
    name: "volumes are neither attached to nor detached from a guest that is frozen, which is told in time",
    needs: [hostCan("freezer"), declared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const own = yield* host.volume(VolumeId.make("own"), "sound")
      const data = yield* host.volume(VolumeId.make("data"), "sound")
      const { id, monitor } = yield* running(yield* launcher, { volumes: [own] })
      yield* host.freezer?.freeze(id) ?? Effect.void
      yield* refuses("attachVolume to a guest that is frozen", monitor.attachVolume(data), [
        "Unreachable",
        "AttachFailed"
      ])
      yield* refuses("detachVolume from a guest that is frozen", monitor.detachVolume(own.id), [
        "Unreachable",
        "DetachFailed"
      ])
      yield* equals((yield* host.holders(own.id)).length, 1, "The guest has the volume when detachVolume has failed")
    })
  }
]
