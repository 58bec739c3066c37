import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, FileSystem } from "effect"
import * as HostFiles from "../../../src/backend/qemu/HostFiles.ts"

const directory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempDirectoryScoped({ prefix: "host-files-" })
  yield* fs.writeFileString(`${path}/target`, "before")
  return { fs, path, target: `${path}/target` }
})

layer(NodeServices.layer)("HostFiles", (it) => {
  describe("produce", () => {
    it.effect("replaces the target, over what a killed process left", () =>
      Effect.gen(function*() {
        const { fs, path, target } = yield* directory
        yield* fs.writeFileString(`${target}.partial`, "left behind")
        yield* HostFiles.produce(target, (temporary) => fs.writeFileString(temporary, "after", { flag: "wx" }))
        assert.strictEqual(yield* fs.readFileString(target), "after")
        assert.deepStrictEqual(yield* fs.readDirectory(path), ["target"])
      }))

    it.effect("leaves all as it was when writing fails", () =>
      Effect.gen(function*() {
        const { fs, path, target } = yield* directory
        const failure = yield* HostFiles.produce(target, (temporary) =>
          Effect.andThen(fs.writeFileString(temporary, "half"), Effect.fail("no"))).pipe(Effect.flip)
        assert.strictEqual(failure, "no")
        assert.strictEqual(yield* fs.readFileString(target), "before")
        assert.deepStrictEqual(yield* fs.readDirectory(path), ["target"])
      }))

    it.effect("leaves all as it was when writing is interrupted", () =>
      Effect.gen(function*() {
        const { fs, path, target } = yield* directory
        const written = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(HostFiles.produce(target, (temporary) =>
          fs.writeFileString(temporary, "half").pipe(
            Effect.andThen(Deferred.succeed(written, undefined)),
            Effect.andThen(Effect.never)
          )))
        yield* Deferred.await(written)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* fs.readFileString(target), "before")
        assert.deepStrictEqual(yield* fs.readDirectory(path), ["target"])
      }))

    it.effect("says what to do when there is no such directory", () =>
      Effect.gen(function*() {
        const { fs, path } = yield* directory
        const target = `${path}/missing/target`
        const failure = yield* HostFiles.produce(target, (temporary) =>
          fs.writeFileString(temporary, "").pipe(Effect.mapError(HostFiles.writeFailure(target)))).pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.strictEqual(failure.message, `${target} can not be written: its directory does not exist: create it`)
      }))
  })

  describe("HostFiles.makeDirectory", () => {
    it.effect("makes a directory and those it is in, and says what is in the way", () =>
      Effect.gen(function*() {
        const { fs, path } = yield* directory
        yield* HostFiles.makeDirectory(`${path}/a/b/c`)
        yield* HostFiles.makeDirectory(`${path}/a/b/c`)
        assert.deepStrictEqual(yield* fs.readDirectory(`${path}/a/b`), ["c"])
        yield* fs.writeFileString(`${path}/file`, "")
        const failure = yield* Effect.flip(HostFiles.makeDirectory(`${path}/file/d`))
        assert.match(failure.message, /file\/d can not be written: ENOTDIR/)
      }))
  })
})
