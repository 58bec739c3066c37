import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as CloudInitSeed from "../../../src/backend/qemu/CloudInitSeed.ts"
import * as HostUser from "../../../src/backend/qemu/HostUser.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import type { CloudInit } from "../../../src/domain/CloudInit.ts"
import { InstanceId, InstanceName } from "../../../src/domain/InstanceId.ts"
import { tmpfs } from "../../host/tmpfs.ts"

const id = InstanceId.make("0ac4d3be-c9ea-4d1c-8d83-ebb31ca5e5f9")
const name = InstanceName.make("web-1")

const host = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempDirectoryScoped({ prefix: "seed-" })
  const user = yield* HostUser.make(QemuConfig.make({ stateDirectory: path }))
  const target = `${path}/seed,1: \nnew.iso`
  return {
    fs,
    path,
    user,
    target,
    create: (cloudInit: CloudInit) => CloudInitSeed.create({ cloudInit, id, name, target, user })
  }
})

const output = Effect.fnUntraced(function*(command: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  return yield* spawner.string(ChildProcess.make(command, args))
})

/** Takes every file out of an image, into `directory`. */
const extract = (image: string, directory: string) =>
  output("xorriso", "-no_rc", "-osirrox", "on", "-indev", `stdio:${image}`, "-extract", "/", directory)

/** The volume's label (ECMA-119, 8.4.7). */
const label = (image: Uint8Array) => new TextDecoder().decode(image.subarray(32_808, 32_840)).trimEnd()

layer(NodeServices.layer, { excludeTestServices: true })("CloudInitSeed.create", (it) => {
  it.effect("makes a disk that only the guests' user can read, and nothing else", () =>
    Effect.gen(function*() {
      const { create, fs, path, target, user } = yield* host
      yield* create({ dataSource: "nocloud", userData: "#cloud-config\n" })
      const info = yield* fs.stat(target)
      assert.strictEqual(info.mode & 0o777, 0o600)
      assert.deepInclude(info.uid, { value: user.uid })
      assert.deepStrictEqual(yield* fs.readDirectory(path), [target.slice(path.length + 1)])
      assert.strictEqual(label(yield* fs.readFile(target)), "cidata")
      yield* extract(target, `${path}/out`)
      assert.sameMembers(yield* fs.readDirectory(`${path}/out`), ["meta-data", "user-data"])
    }))

  it.effect("makes the same bytes of the same data", () =>
    Effect.gen(function*() {
      const { create, fs, target } = yield* host
      const make = Effect.andThen(create({ dataSource: "config-drive", userData: "x" }), fs.readFile(target))
      const first = yield* make
      // Times on the disk have a resolution of one second.
      yield* Effect.sleep("1100 millis")
      const second = yield* make
      assert.isTrue(Buffer.from(first).equals(second))
      assert.strictEqual(label(first), "config-2")
    }))

  it.effect("keeps large data", () =>
    Effect.gen(function*() {
      const { create, fs, path, target } = yield* host
      const userData = "#!/bin/sh\n# größe 日本\n".repeat(12_000)
      yield* create({ dataSource: "nocloud", userData })
      yield* extract(target, `${path}/out`)
      assert.strictEqual(yield* fs.readFileString(`${path}/out/user-data`), userData)
    }))

  it.effect.prop(
    "keeps user data and meta data byte for byte",
    [Schema.Literals(["nocloud", "config-drive"]), Schema.String, Schema.String],
    ([dataSource, userData, metaData]) =>
      Effect.scoped(Effect.gen(function*() {
        const { create, fs, path, target } = yield* host
        yield* create({ dataSource, userData, metaData })
        yield* extract(target, `${path}/out`)
        const [user, meta] = dataSource === "nocloud"
          ? ["user-data", "meta-data"]
          : ["openstack/latest/user_data", "openstack/latest/meta_data.json"]
        const encoder = new TextEncoder()
        assert.deepStrictEqual(yield* fs.readFile(`${path}/out/${user}`), encoder.encode(userData))
        assert.deepStrictEqual(yield* fs.readFile(`${path}/out/${meta}`), encoder.encode(metaData))
      })),
    { arbitrary: { runs: 15 } }
  )

  it.effect("says so when the disk is full, and leaves nothing", () =>
    Effect.gen(function*() {
      const { fs, path, user } = yield* host
      if (!user.switched) return
      const small = `${path}/small`
      yield* fs.makeDirectory(small)
      yield* tmpfs(small, "size=600k")
      const target = `${small}/seed.iso`
      for (const characters of [550_000, 700_000]) {
        const cloudInit = { dataSource: "nocloud", userData: "x".repeat(characters) } as const
        const failure = yield* CloudInitSeed.create({ cloudInit, id, target, user }).pipe(Effect.flip)
        assert.deepInclude(failure.reason, { _tag: "NoSpace", path: target })
        assert.deepStrictEqual(yield* fs.readDirectory(small), [])
      }
    }))
})
