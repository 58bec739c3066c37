/**
 * A state directory is the same directory by whatever name a launcher is told it.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Stream } from "effect"
import * as QemuConfig from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import * as NativeSpec from "../../../src/payload/NativeSpec.ts"
import { killGuests } from "../../host/killGuests.ts"
import { image } from "./badInputs.ts"

const id = InstanceId.make("67e8")

const node = (stateDirectory: string) =>
  LauncherDirectory.layer(stateDirectory).pipe(
    Layer.provide(QemuVirtualizer.layer({ accelerator: "tcg", stateDirectory }))
  )

describe("a state directory", () => {
  it.live("that is reached by a link is the one it leads to, for guests, their adoption and their discovery", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped({ prefix: "state-" })
      yield* fs.chmod(directory, 0o711)
      const real = `${directory}/real`
      const link = `${directory}/link`
      yield* fs.makeDirectory(`${real}/images`, { recursive: true })
      yield* fs.chmod(real, 0o711)
      yield* fs.symlink(real, link)
      yield* killGuests(real)
      yield* fs.writeFile(`${real}/images/good.raw`, new Uint8Array(65_536))
      const spec = yield* NativeSpec.decode(image(`${real}/images/good.raw`))
      const guests = (stateDirectory: string) =>
        QemuVirtualizer.make(QemuConfig.QemuConfig.make({ stateDirectory })).pipe(
          Effect.flatMap(({ discover }) => Stream.runCollect(discover))
        )

      yield* Effect.flatMap(Launcher, (launcher) => launcher.start(spec)).pipe(Effect.provide(node(`${link}/`)))
      const [guest] = yield* guests(real)
      assert.strictEqual(guest?.id, id)
      assert.deepStrictEqual(yield* guests(link), [guest])

      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        assert.strictEqual((yield* launcher.get(id)).state._tag, "Running")
        yield* launcher.delete(id)
      }).pipe(Effect.provide(node(real)))
      assert.deepStrictEqual(yield* guests(real), [])
      assert.deepStrictEqual(yield* fs.readDirectory(`${real}/instances`), [])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
