import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as VolumeResolverDirectory from "../../src/launcher/VolumeResolverDirectory.ts"
import { volume } from "./TestNode.ts"

describe("VolumeResolverDirectory", () => {
  it.live("finds a volume's file, whose ending says its format", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempDirectoryScoped()
      const { resolve } = yield* VolumeResolverDirectory.make(path)
      // Its bytes would say something else: nobody asks them.
      yield* fs.writeFileString(`${path}/one.raw`, "QFI\xfb")
      yield* fs.writeFileString(`${path}/two.qcow2`, "")
      assert.deepStrictEqual(yield* resolve({ id: volume("one") }), {
        id: volume("one"),
        readOnly: false,
        source: { _tag: "File", path: `${path}/one.raw`, format: "raw" }
      })
      assert.deepStrictEqual(yield* resolve({ id: volume("two"), readOnly: true }), {
        id: volume("two"),
        readOnly: true,
        source: { _tag: "File", path: `${path}/two.qcow2`, format: "qcow2" }
      })
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("refuses a volume that is not there, and one that is there twice, naming the files", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempDirectoryScoped()
      const { resolve } = yield* VolumeResolverDirectory.make(path)
      const missing = yield* Effect.flip(resolve({ id: volume("one") }))
      assert.include(missing.message, `${path}/one.raw`)
      assert.include(missing.message, `${path}/one.qcow2`)
      yield* fs.writeFileString(`${path}/one.raw`, "")
      yield* fs.writeFileString(`${path}/one.qcow2`, "")
      const double = yield* Effect.flip(resolve({ id: volume("one") }))
      assert.include(double.message, "remove the one that is not meant")
      // A volume may begin like another.
      yield* fs.writeFileString(`${path}/one.raw.raw`, "")
      assert.strictEqual((yield* resolve({ id: volume("one.raw") })).source.path, `${path}/one.raw.raw`)
    }).pipe(Effect.provide(NodeServices.layer)))
})
