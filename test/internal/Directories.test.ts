import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { symlinkSync, writeFileSync } from "node:fs"
import * as Directories from "../../src/internal/Directories.ts"

layer(NodeServices.layer)("Directories.make", (it) => {
  const directory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

  it.effect("makes those above it too, with the same mode, and is content with what is there", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const top = yield* directory
      for (const path of [`${top}/a/b/c`, `${top}/a/b`, `${top}/a/b/c/`, `${top}/a/b/../d`]) {
        yield* Directories.make(path, 0o700)
        const { mode, type } = yield* fs.stat(path)
        assert.strictEqual(type, "Directory")
        assert.strictEqual(mode & 0o777, 0o700)
      }
    }))

  it.effect("is content with a link to a directory, and refuses a file and what is below one", () =>
    Effect.gen(function*() {
      const top = yield* directory
      symlinkSync(top, `${top}/link`)
      writeFileSync(`${top}/file`, "")
      yield* Directories.make(`${top}/link`, 0o700)
      yield* Directories.make(`${top}/link/below`, 0o700)
      assert.strictEqual((yield* Effect.flip(Directories.make(`${top}/file`, 0o700))).reason._tag, "AlreadyExists")
      yield* Effect.flip(Directories.make(`${top}/file/below`, 0o700))
    }))

  it.effect("fails where the kernel lets nobody make one, also by another way", () =>
    Effect.gen(function*() {
      const top = yield* directory
      symlinkSync("/proc", `${top}/kernel`)
      symlinkSync("/nowhere/at/all", `${top}/dangling`)
      for (const path of ["/proc/a", "/proc/a/b", `${top}/../../proc/a/b`, `${top}/kernel/a/b`, `${top}/dangling`]) {
        yield* Effect.flip(Directories.make(path, 0o700))
      }
    }))
})
