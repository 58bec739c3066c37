import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Option } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as HostUser from "../../../src/backend/qemu/HostUser.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"

const guest: HostUser.HostUser = { uid: 64999, gid: 64999, switched: true }

const config = QemuConfig.make({ stateDirectory: "/state", user: { uid: guest.uid, gid: guest.gid } })

/** A directory that everybody can reach. */
const directory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "host-user-" }), fs.realPath)
  yield* fs.chmod(path, 0o755)
  return { fs, path }
})

const mode = (info: FileSystem.File.Info) => info.mode & 0o777

/** What only root can do is tested as root. */
const asRoot = Effect.map(HostUser.make(config), (user) => user.switched)

layer(NodeServices.layer)("HostUser", (it) => {
  describe("command", () => {
    it.effect("runs without privileges and can not gain any", () =>
      Effect.gen(function*() {
        const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
        const user = yield* HostUser.make(config)
        const [file, ...args] = HostUser.command(user, ["cat", "/proc/self/status"], user.switched ? [12, 34] : [])
        const status = yield* spawner.string(ChildProcess.make(file, args))
        const field = (name: string) => status.match(new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m"))?.[1]
        assert.strictEqual(field("NoNewPrivs"), "1")
        assert.strictEqual(field("Uid"), Array(4).fill(user.uid).join("\t"))
        assert.strictEqual(field("Gid"), Array(4).fill(user.gid).join("\t"))
        if (!user.switched) return
        assert.strictEqual(user.uid, guest.uid)
        assert.strictEqual(field("Groups"), "12 34")
        for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd"]) assert.match(field(set) ?? "", /^0+$/)
      }))
  })

  describe("ensureDirectory", () => {
    it.effect("makes a directory that only the guests' user can enter, also of one that is there", () =>
      Effect.gen(function*() {
        const { fs, path } = yield* directory
        const user = yield* HostUser.make(config)
        yield* fs.makeDirectory(`${path}/old`, { mode: 0o755 })
        for (const name of ["new", "old"]) {
          yield* HostUser.ensureDirectory(user, `${path}/${name}`)
          const info = yield* fs.stat(`${path}/${name}`)
          assert.strictEqual(mode(info), 0o700)
          assert.deepStrictEqual(info.uid, Option.some(user.uid))
          assert.deepStrictEqual(info.gid, Option.some(user.gid))
        }
      }))

    it.effect("says what to do when it can not", () =>
      Effect.gen(function*() {
        const { path } = yield* directory
        const failure = yield* HostUser.ensureDirectory(guest, `${path}/missing/new`).pipe(Effect.flip)
        assert.strictEqual(
          failure.message,
          `${path}/missing/new can not be written: its directory does not exist: create it`
        )
      }))
  })

  describe("checkReachable", () => {
    it.effect("names the directory that is in the way", () =>
      Effect.gen(function*() {
        if (!(yield* asRoot)) return
        const { fs, path } = yield* directory
        yield* fs.makeDirectory(`${path}/open/closed/deep`, { recursive: true })
        yield* HostUser.checkReachable(guest, `${path}/open/closed/deep/file`)
        yield* fs.chmod(`${path}/open/closed`, 0o700)
        yield* HostUser.checkReachable(guest, `${path}/open/closed`)
        const failure = yield* HostUser.checkReachable(guest, `${path}/open/closed/deep/file`).pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.include(failure.message, `chmod o+x ${path}/open/closed,`)
        yield* fs.chmod(`${path}/open/closed`, 0o701)
        yield* HostUser.checkReachable(guest, `${path}/open/closed/deep/file`)
      }))
  })

  describe("checkAccess and handOver", () => {
    it.effect("see whether the guests' user may read a file, and say how to permit it", () =>
      Effect.gen(function*() {
        if (!(yield* asRoot)) return
        const { fs, path } = yield* directory
        const file = `${path}/base`
        yield* fs.writeFileString(file, "", { mode: 0o600 })
        const failure = yield* HostUser.checkAccess(guest, file, "read").pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "ImageUnusable")
        assert.include(failure.message, "chmod o+r")
        yield* fs.chmod(file, 0o644)
        yield* HostUser.checkAccess(guest, file, "read")
        assert.include(
          (yield* HostUser.checkAccess(guest, file, "write").pipe(Effect.flip)).message,
          "may not write it"
        )
      }))

    it.effect("go by what the mode says of its owner and its group before all others", () =>
      Effect.gen(function*() {
        if (!(yield* asRoot)) return
        const { fs, path } = yield* directory
        const may = Effect.fnUntraced(function*(uid: number, gid: number, mode: number) {
          const file = `${path}/${uid}-${gid}-${mode}`
          yield* fs.writeFileString(file, "")
          yield* fs.chown(file, uid, gid)
          yield* fs.chmod(file, mode)
          return yield* Effect.match(HostUser.checkAccess(guest, file, "read"), {
            onFailure: () => false,
            onSuccess: () => true
          })
        })
        assert.deepStrictEqual(
          yield* Effect.all([
            may(guest.uid, 0, 0o400),
            may(guest.uid, guest.gid, 0o044),
            may(0, guest.gid, 0o040),
            may(0, guest.gid, 0o404),
            may(0, 0, 0o440)
          ]),
          [true, false, true, false, false]
        )
      }))

    it.effect("as root, hand over a volume, and only one that needs it", () =>
      Effect.gen(function*() {
        if (!(yield* asRoot)) return
        const { fs, path } = yield* directory
        const [foreign, shared] = [`${path}/foreign`, `${path}/shared`]
        yield* fs.writeFileString(foreign, "", { mode: 0o440 })
        yield* fs.writeFileString(shared, "")
        yield* fs.chmod(shared, 0o666)
        yield* HostUser.handOver(guest, foreign)
        yield* HostUser.handOver(guest, shared)
        const handed = yield* fs.stat(foreign)
        assert.deepStrictEqual([handed.uid, mode(handed)], [Option.some(guest.uid), 0o640])
        const kept = yield* fs.stat(shared)
        assert.deepStrictEqual([kept.uid, mode(kept)], [Option.some(0), 0o666])
      }))
  })
})
