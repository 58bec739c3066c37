import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as HostPaths from "../../../src/backend/qemu/HostPaths.ts"

/** A directory `images` that is a root, one beside it whose name begins alike, and files in both. */
const host = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const top = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "host-paths-" }), fs.realPath)
  const images = `${top}/images`
  yield* fs.makeDirectory(`${images}/deep`, { recursive: true })
  yield* fs.makeDirectory(`${top}/images-evil`)
  yield* fs.writeFileString(`${images}/a.raw`, "a")
  yield* fs.writeFileString(`${images}/deep/b.raw`, "b")
  yield* fs.writeFileString(`${top}/images-evil/c.raw`, "c")
  return { fs, top, images, roots: [images, `${top}/does-not-exist`] }
})

const reason = (path: string, roots: ReadonlyArray<string>) =>
  HostPaths.resolve(path, roots).pipe(Effect.flip, Effect.map((error) => error.reason))

layer(NodeServices.layer)("HostPaths", (it) => {
  describe("resolve", () => {
    it.effect("takes a file within a root, and gives its real path", () =>
      Effect.gen(function*() {
        const { fs, images, roots } = yield* host
        yield* fs.symlink(`${images}/deep/b.raw`, `${images}/link.raw`)
        assert.strictEqual(yield* HostPaths.resolve(`${images}/a.raw`, roots), `${images}/a.raw`)
        assert.strictEqual(yield* HostPaths.resolve(`${images}/deep/../a.raw`, roots), `${images}/a.raw`)
        assert.strictEqual(yield* HostPaths.resolve(`${images}/link.raw`, roots), `${images}/deep/b.raw`)
      }))

    it.effect("takes a root that is a link itself", () =>
      Effect.gen(function*() {
        const { fs, images, top } = yield* host
        yield* fs.symlink(images, `${top}/link`)
        assert.strictEqual(yield* HostPaths.resolve(`${top}/link/a.raw`, [`${top}/link`]), `${images}/a.raw`)
        assert.strictEqual(yield* HostPaths.resolve(`${images}/a.raw`, [`${top}/link/`]), `${images}/a.raw`)
      }))

    it.effect("takes names with commas, newlines, dots and other scripts", () =>
      Effect.gen(function*() {
        const { fs, images, roots } = yield* host
        for (const name of ["a,b=c.raw", "a\nb", "..a", "json:{}", "größe 日本"]) {
          yield* fs.writeFileString(`${images}/${name}`, "")
          assert.strictEqual(yield* HostPaths.resolve(`${images}/${name}`, roots), `${images}/${name}`)
        }
      }))

    it.effect("refuses what leads outside the roots", () =>
      Effect.gen(function*() {
        const { fs, images, roots, top } = yield* host
        yield* fs.symlink(`${top}/images-evil/c.raw`, `${images}/link.raw`)
        yield* fs.symlink(top, `${images}/up`)
        const outside = [
          `${top}/images-evil/c.raw`,
          `${images}/../images-evil/c.raw`,
          `${images}/link.raw`,
          `${images}/up/images-evil/c.raw`,
          images,
          top,
          "/etc/passwd"
        ]
        for (const path of outside) {
          assert.deepInclude(yield* reason(path, roots), { _tag: "PathRefused", path, roots })
        }
        assert.strictEqual((yield* reason(`${images}/a.raw`, []))._tag, "PathRefused")
      }))

    it.effect("says what is wrong with what is no file", () =>
      Effect.gen(function*() {
        const { fs, images, roots } = yield* host
        yield* fs.symlink(`${images}/loop`, `${images}/loop`)
        const wrong: ReadonlyArray<readonly [string, string]> = [
          [`${images}/missing.raw`, "no such file"],
          [`${images}/a.raw/b`, "ENOTDIR"],
          [`${images}/loop`, "ELOOP"],
          [`${images}/deep`, "not a regular file"],
          ["images/a.raw", "not an absolute path"],
          [`${images}/a.raw\0`, "not an absolute path"]
        ]
        for (const [path, says] of wrong) {
          const failure = yield* reason(path, roots)
          assert.strictEqual(failure._tag, "ImageUnusable")
          assert.include(failure.message, says)
        }
      }))
  })
})
