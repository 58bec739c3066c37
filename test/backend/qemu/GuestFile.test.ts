import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { ChildProcess } from "effect/process"
import * as GuestFile from "../../../src/backend/qemu/GuestFile.ts"

layer(NodeServices.layer)("GuestFile", (it) => {
  describe("read", () => {
    it.effect("reads a part from either end, and nothing of a file that is not there", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const file = `${directory}/file`
        yield* fs.writeFileString(file, "0123456789")
        assert.strictEqual(yield* GuestFile.readText(file, 2, 3), "234")
        assert.strictEqual(yield* GuestFile.readText(file, -3, 100), "789")
        assert.strictEqual(yield* GuestFile.readText(file, -100, 2), "01")
        assert.strictEqual(yield* GuestFile.readText(file, 10, 5), "")
        assert.strictEqual(yield* GuestFile.readText(file, 99, 5), "")
        assert.strictEqual(yield* GuestFile.readSmall(file, 4), "0123")
        for (const nowhere of [`${directory}/none`, `${file}/none`]) {
          assert.isUndefined(yield* GuestFile.readText(nowhere, 0, 5))
          assert.isUndefined(yield* GuestFile.readSmall(nowhere, 5))
        }
      }))

    it.effect("follows no link, and waits for no pipe", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        yield* fs.writeFileString(`${directory}/secret`, "secret")
        yield* fs.symlink(`${directory}/secret`, `${directory}/link`)
        const mkfifo = yield* ChildProcess.make("mkfifo", [`${directory}/pipe`])
        assert.strictEqual(yield* mkfifo.exitCode, 0)
        for (const path of [`${directory}/link`, `${directory}/pipe`, "/dev/zero", directory]) {
          assert.include((yield* Effect.flip(GuestFile.readText(path, 0, 5))).message, path)
          assert.include((yield* Effect.flip(GuestFile.readSmall(path, 5))).message, path)
        }
      }))
  })
})
