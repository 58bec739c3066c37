/**
 * Tests of images and disks.
 */
import { Effect, Stream } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, thereIs } from "./ConformanceTest.ts"
import { equals, holds, inWords, refuses, succeeds } from "./Contract.ts"
import { absent, created, launcher } from "./Launchers.ts"
import { isUnmade, probes } from "./probing.ts"

/** What a start that can not do without something may fail with. */
const unusable = ["ImageUnusable", "PathRefused"] as const

export const images: ReadonlyArray<ConformanceTest> = [
  {
    name: "an instance that was never made is absent, and asking changes nothing",
    needs: [],
    run: Effect.gen(function*() {
      const { guest, remains } = yield* absent(yield* launcher)
      yield* isUnmade(guest, "of an instance that was never made")
      yield* isUnmade(guest, "when it is asked again")
      yield* refuses("stats of an instance that was never made", guest.stats, ["NotRunning"])
      yield* refuses("monitor of an instance that was never made", Effect.scoped(guest.monitor), ["NotRunning"])
      yield* succeeds("kill of an instance that was never made", guest.kill)
      yield* equals(yield* remains, [], "What is asked of an instance that was never made changes nothing")
    })
  },
  {
    name: "ensureBackingImage tells its progress, ends, and can be repeated",
    needs: [],
    run: Effect.gen(function*() {
      const { guest, remains } = yield* absent(yield* launcher)
      const progress = yield* succeeds("ensureBackingImage", Stream.runCollect(guest.ensureBackingImage))
      let doneBytes = 0
      for (const told of progress) {
        yield* holds(
          told.doneBytes >= doneBytes && told.doneBytes <= (told.totalBytes ?? Infinity),
          "The progress of an image grows, up to its total",
          () => inWords(progress)
        )
        doneBytes = told.doneBytes
      }
      yield* isUnmade(guest, "when the guest has no disk")
      const before = yield* remains
      yield* succeeds("ensureBackingImage, repeated,", Stream.runDrain(guest.ensureBackingImage))
      yield* equals(yield* remains, before, "ensureBackingImage, repeated, changes nothing")
    })
  },
  {
    name: "an image that is missing is told by ensureBackingImage, which leaves nothing",
    needs: [thereIs("imageless")],
    run: Effect.gen(function*() {
      const { guest, remains } = yield* absent(yield* launcher, { kind: "imageless" })
      yield* refuses(
        "ensureBackingImage of an image that is missing",
        Stream.runDrain(guest.ensureBackingImage),
        unusable
      )
      yield* equals(yield* remains, [], "ensureBackingImage that fails leaves nothing")
    })
  },
  {
    name: "createImage without the image fails, and undoes what it made",
    needs: [thereIs("imageless")],
    run: Effect.gen(function*() {
      const { boot, guest, remains } = yield* absent(yield* launcher, { kind: "imageless" })
      yield* refuses("createImage without its image", guest.createImage(boot), unusable)
      yield* equals(yield* remains, [], "createImage that fails undoes what it made")
      yield* isUnmade(guest, "when createImage has failed")
    })
  },
  {
    name: "createImage makes what a start needs, and starts nothing",
    needs: [],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { guest } = yield* created(one)
      const probe = yield* probes(guest, ["Created"], "when createImage has returned")
      yield* equals(probe, { _tag: "Created", lastExit: undefined }, "A guest that never ran has not ended")
      yield* equals(yield* one.discovered, [], "createImage starts nothing")
    })
  },
  {
    name: "createImage keeps a disk that exists, for any launcher",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const one = yield* launcher
      const { createImage, id, remains } = yield* created(one)
      const [disk, before] = [yield* host.disk(id), yield* remains]
      yield* createImage
      yield* one.close
      const later = yield* created(yield* launcher)
      yield* equals(yield* host.disk(id), disk, "createImage keeps a disk that exists: its data is the user's")
      yield* equals(yield* later.remains, before, "createImage, repeated, adds nothing")
    })
  },
  {
    name: "a volume whose bytes are missing fails createImage or start, and no guest is left",
    needs: [],
    run: Effect.gen(function*() {
      const host = yield* ConformanceHost
      const one = yield* launcher
      const volume = yield* host.volume(VolumeId.make("missing"), "missing")
      const { boot, ensureBackingImage, guest } = yield* absent(one, { volumes: [volume] })
      yield* ensureBackingImage
      yield* refuses(
        "createImage and start with a volume whose bytes are missing",
        Effect.andThen(guest.createImage(boot), guest.start(boot)),
        [...unusable, "LaunchFailed", "HostFailure"]
      )
      yield* equals(yield* one.discovered, [], "A start that fails leaves no guest")
    })
  },
  {
    name: "deleteImage removes every trace, can be repeated, and the instance can be made again",
    needs: [],
    run: Effect.gen(function*() {
      const { createImage, ensureBackingImage, guest, remains } = yield* absent(yield* launcher)
      yield* succeeds("deleteImage of what was never made", guest.deleteImage)
      const before = yield* remains
      for (const round of ["the first time", "again"]) {
        yield* ensureBackingImage
        yield* createImage
        yield* succeeds(`deleteImage, ${round},`, guest.deleteImage)
        yield* equals(yield* remains, before, `deleteImage, ${round}, removes every trace`)
        yield* isUnmade(guest, "when its image is deleted")
        yield* succeeds("deleteImage, repeated,", guest.deleteImage)
      }
    })
  }
]
