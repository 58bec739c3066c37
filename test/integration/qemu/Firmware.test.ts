import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Firmware from "../../../src/backend/qemu/Firmware.ts"
import * as HostUser from "../../../src/backend/qemu/HostUser.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"

const host = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempDirectoryScoped({ prefix: "firmware-" })
  const user = yield* HostUser.make(QemuConfig.make({ stateDirectory: path }))
  return { fs, path, user, variables: `${path}/vars.fd` }
})

layer(NodeServices.layer)("Firmware", (it) => {
  describe("prepare", () => {
    it.effect("needs nothing for legacy", () =>
      Effect.gen(function*() {
        const { fs, path, user, variables } = yield* host
        assert.isUndefined(yield* Firmware.prepare({ firmware: "legacy", variables, user }))
        assert.deepStrictEqual(yield* fs.readDirectory(path), [])
      }))

    it.effect("gives a UEFI guest variables of its own, and keeps them", () =>
      Effect.gen(function*() {
        const { fs, path, user, variables } = yield* host
        const prepare = Firmware.prepare({ firmware: "efi", variables, user })
        const flash = yield* prepare
        assert.strictEqual(flash?.variables, variables)
        assert.strictEqual((yield* fs.stat(flash?.code ?? "")).type, "File")
        const info = yield* fs.stat(variables)
        assert.strictEqual(info.mode & 0o777, 0o600)
        assert.deepInclude(info.uid, { value: user.uid })
        yield* fs.writeFileString(variables, "the guest's")
        yield* prepare
        assert.strictEqual(yield* fs.readFileString(variables), "the guest's")
        assert.deepStrictEqual(yield* fs.readDirectory(path), ["vars.fd"])
      }))

    it.effect("names the package when there is no UEFI firmware", () =>
      Effect.gen(function*() {
        const { fs, path, user, variables } = yield* host
        const failure = yield* Firmware.prepare({ firmware: "efi", variables, user }).pipe(
          Effect.provideService(FileSystem.FileSystem, {
            ...fs,
            stat: (path) => fs.stat(path.replace("/OVMF/", "/OVMF-missing/"))
          }),
          Effect.flip
        )
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.include(failure.message, "Debian package ovmf")
        assert.deepStrictEqual(yield* fs.readDirectory(path), [])
      }))
  })
})
