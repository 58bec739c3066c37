/**
 * Tests of what is not declared: it answers `NotSupported`, and changes nothing.
 */
import { Effect, Stream } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, undeclared as isUndeclared } from "./ConformanceTest.ts"
import { equals, refuses, succeeds } from "./Contract.ts"
import { launcher, running } from "./Launchers.ts"

export const undeclared: ReadonlyArray<ConformanceTest> = [
  {
    name: "pause and resume that are not declared are refused, and change nothing",
    needs: [isUndeclared("pause")],
    run: Effect.gen(function*() {
      const { monitor } = yield* running(yield* launcher)
      yield* refuses("pause, which is not declared,", monitor.pause, ["NotSupported"])
      yield* refuses("resume, which is not declared,", monitor.resume, ["NotSupported"])
      yield* equals(
        (yield* succeeds("status", monitor.status)).paused,
        false,
        "A pause that is refused changes nothing"
      )
    })
  },
  {
    name: "volumes of a running guest that are not declared are refused, and change nothing",
    needs: [isUndeclared("liveVolumes")],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const own = yield* host.volume(VolumeId.make("own"), "sound")
      const data = yield* host.volume(VolumeId.make("data"), "sound")
      const { monitor } = yield* running(yield* launcher, { volumes: [own] })
      yield* refuses("attachVolume, which is not declared,", monitor.attachVolume(data), ["NotSupported"])
      yield* refuses("detachVolume, which is not declared,", monitor.detachVolume(own.id), ["NotSupported"])
      const { volumes } = yield* succeeds("status", monitor.status)
      yield* equals(volumes, [own.id], "What is refused changes nothing")
      yield* equals(yield* host.holders(data.id), [], "What is refused changes nothing")
    })
  },
  {
    name: "a console that is not declared is refused",
    needs: [isUndeclared("console")],
    run: Effect.gen(function*() {
      const { guest } = yield* running(yield* launcher)
      yield* refuses("connecting to a console, which is not declared,", Effect.scoped(guest.console.connect), [
        "NotSupported"
      ])
      yield* refuses(
        "the log of a console, which is not declared,",
        Stream.runDrain(guest.console.log({ follow: false })),
        [
          "NotSupported"
        ]
      )
    })
  }
]
