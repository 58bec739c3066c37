import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { ByteSize, Effect, Fiber, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as HostUser from "../../../src/backend/qemu/HostUser.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuImage from "../../../src/backend/qemu/QemuImage.ts"
import { exec } from "../../host/exec.ts"
import { tmpfs } from "../../host/tmpfs.ts"

/** A root with a raw image `base.raw` of 1 MiB, and what is outside of it. */
const host = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const top = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "qemu-image-" }), fs.realPath)
  const root = `${top}/images`
  yield* fs.makeDirectory(root)
  yield* fs.writeFile(`${root}/base.raw`, new Uint8Array(1024 * 1024))
  const user = yield* HostUser.make(QemuConfig.make({ stateDirectory: top }))
  return {
    fs,
    top,
    root,
    user,
    inspect: (path: string, format: "raw" | "qcow2" = "qcow2") => QemuImage.inspect(path, format, [root]),
    /** Makes a qcow2 image that says it is backed by this, whether there is such a thing or not. */
    backedBy: (path: string, backing: string, format: string) =>
      exec("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", format, path, "1M")
  }
})

/** Changes bytes of a file. */
const patch = Effect.fnUntraced(function*(path: string, offset: number, bytes: ReadonlyArray<number>) {
  const fs = yield* FileSystem.FileSystem
  const content = yield* fs.readFile(path)
  content.set(bytes, offset)
  yield* fs.writeFile(path, content)
})

layer(NodeServices.layer, { excludeTestServices: true })("QemuImage", (it) => {
  describe("inspect", () => {
    it.effect("finds the whole chain, with formats, and the size the guest sees", () =>
      Effect.gen(function*() {
        const { backedBy, fs, inspect, root } = yield* host
        yield* fs.makeDirectory(`${root}/a,b\nc`)
        yield* backedBy(`${root}/a,b\nc/middle.qcow2`, "../base.raw", "raw")
        yield* backedBy(`${root}/top.qcow2`, `${root}/a,b\nc/middle.qcow2`, "qcow2")
        const image = yield* inspect(`${root}/top.qcow2`)
        assert.deepStrictEqual(image, {
          layers: [
            { path: `${root}/top.qcow2`, format: "qcow2" },
            { path: `${root}/a,b\nc/middle.qcow2`, format: "qcow2" },
            { path: `${root}/base.raw`, format: "raw" }
          ],
          virtualSize: ByteSize.mebibytes(1)
        })
        yield* QemuImage.verify(image)
      }))

    it.effect("never guesses: what is said to be raw is raw, whatever its bytes say", () =>
      Effect.gen(function*() {
        const { backedBy, inspect, root } = yield* host
        yield* backedBy(`${root}/top.qcow2`, "/etc/passwd", "raw")
        const { layers } = yield* inspect(`${root}/top.qcow2`, "raw")
        assert.deepStrictEqual(layers, [{ path: `${root}/top.qcow2`, format: "raw" }])
      }))

    it.effect("finds an external data file", () =>
      Effect.gen(function*() {
        const { fs, inspect, root, top } = yield* host
        yield* exec(
          "qemu-img",
          "create",
          "-q",
          "-f",
          "qcow2",
          "-o",
          `data_file=${root}/x.data`,
          `${root}/x.qcow2`,
          "1M"
        )
        const image = yield* inspect(`${root}/x.qcow2`)
        assert.deepStrictEqual(image.layers, [
          { path: `${root}/x.qcow2`, format: "qcow2", dataFile: `${root}/x.data` }
        ])
        yield* QemuImage.verify(image)
        yield* fs.rename(`${root}/x.data`, `${top}/x.data`)
        yield* fs.symlink(`${top}/x.data`, `${root}/x.data`)
        assert.strictEqual((yield* inspect(`${root}/x.qcow2`).pipe(Effect.flip)).reason._tag, "PathRefused")
      }))

    it.effect("refuses every chain that leaves the roots", () =>
      Effect.gen(function*() {
        const { backedBy, fs, inspect, root, top } = yield* host
        yield* fs.writeFile(`${top}/outside.raw`, new Uint8Array(512))
        yield* fs.symlink(`${top}/outside.raw`, `${root}/link.raw`)
        for (const backing of ["/etc/passwd", "../outside.raw", "link.raw"]) {
          yield* backedBy(`${root}/bottom.qcow2`, backing, "raw")
          yield* backedBy(`${root}/top.qcow2`, "bottom.qcow2", "qcow2")
          for (const name of ["bottom", "top"]) {
            const failure = yield* inspect(`${root}/${name}.qcow2`).pipe(Effect.flip)
            assert.strictEqual(failure.reason._tag, "PathRefused", backing)
          }
        }
      }))

    it.effect("refuses backing files that are no paths", () =>
      Effect.gen(function*() {
        const { backedBy, inspect, root } = yield* host
        const names = [
          "nbd://127.0.0.1:1/x",
          "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}",
          "http://127.0.0.1:1/x",
          "ssh://127.0.0.1/x",
          "file:/etc/passwd",
          "fat:/etc"
        ]
        for (const name of names) {
          yield* backedBy(`${root}/top.qcow2`, name, "raw")
          const failure = yield* inspect(`${root}/top.qcow2`).pipe(Effect.flip)
          assert.strictEqual(failure.reason._tag, "ImageUnusable")
          assert.include(failure.message, "is not the path of a file")
        }
      }))

    it.effect("says what is wrong with a broken chain", () =>
      Effect.gen(function*() {
        const { backedBy, fs, inspect, root } = yield* host
        const says = Effect.fnUntraced(function*(name: string, text: string) {
          const failure = yield* inspect(`${root}/${name}`).pipe(Effect.flip)
          assert.strictEqual(failure.reason._tag, "ImageUnusable")
          assert.include(failure.message, text)
        })
        yield* backedBy(`${root}/orphan.qcow2`, "gone.raw", "raw")
        yield* says("orphan.qcow2", `its backing file ${root}/gone.raw: there is no such file`)
        yield* backedBy(`${root}/foreign.qcow2`, "base.raw", "vmdk")
        yield* says("foreign.qcow2", "format vmdk")
        yield* backedBy(`${root}/liar.qcow2`, "base.raw", "qcow2")
        yield* says("liar.qcow2", `${root}/base.raw can not be used: it is not a qcow2 image`)
        yield* backedBy(`${root}/a.qcow2`, "b.qcow2", "qcow2")
        yield* backedBy(`${root}/b.qcow2`, "a.qcow2", "qcow2")
        yield* says("a.qcow2", "is behind itself")
        yield* backedBy(`${root}/self.qcow2`, "self.qcow2", "qcow2")
        yield* says("self.qcow2", "is behind itself")
        yield* backedBy(`${root}/0.qcow2`, "base.raw", "raw")
        for (let n = 1; n < 17; n++) {
          yield* backedBy(`${root}/${n}.qcow2`, `${n - 1}.qcow2`, "qcow2")
        }
        assert.lengthOf((yield* inspect(`${root}/14.qcow2`)).layers, 16)
        yield* says("15.qcow2", "more than 16 files")
        // An extension of an unknown type in place of the backing format's.
        yield* backedBy(`${root}/unsaid.qcow2`, "base.raw", "raw")
        const bytes = yield* fs.readFile(`${root}/unsaid.qcow2`)
        const at = bytes.findIndex((_, index) =>
          [0xe2, 0x79, 0x2a, 0xca].every((byte, offset) => bytes[index + offset] === byte)
        )
        yield* patch(`${root}/unsaid.qcow2`, at, [1, 2, 3, 4])
        yield* says("unsaid.qcow2", "it does not say the format of its backing file base.raw")
        yield* says("missing.qcow2", "there is no such file")
      }))

    it.effect("says so when the format is another", () =>
      Effect.gen(function*() {
        const { fs, inspect, root } = yield* host
        assert.include((yield* inspect(`${root}/base.raw`).pipe(Effect.flip)).message, "it is not a qcow2 image")
        yield* fs.writeFileString(`${root}/empty`, "")
        assert.include((yield* inspect(`${root}/empty`).pipe(Effect.flip)).message, "it is not a qcow2 image")
      }))
  })

  describe("verify", () => {
    const image = Effect.fnUntraced(function*(path: string) {
      yield* exec("qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
      yield* exec("qemu-io", "-f", "qcow2", "-c", "write -q 0 4M", path)
    })

    it.effect("finds a truncated image", () =>
      Effect.gen(function*() {
        const { fs, inspect, root } = yield* host
        const path = `${root}/cut.qcow2`
        yield* image(path)
        yield* Effect.andThen(inspect(path), QemuImage.verify)
        for (const size of [2 * 1024 * 1024, 100_000]) {
          yield* fs.truncate(path, size)
          const failure = yield* inspect(path).pipe(Effect.flatMap(QemuImage.verify), Effect.flip)
          assert.strictEqual(failure.reason._tag, "ImageUnusable")
          assert.include(failure.message, path)
        }
      }))

    it.effect("finds damaged tables, also behind the image", () =>
      Effect.gen(function*() {
        const { backedBy, inspect, root } = yield* host
        yield* image(`${root}/base.qcow2`)
        yield* backedBy(`${root}/top.qcow2`, "base.qcow2", "qcow2")
        // The first entry of the first L1 table points beyond the end.
        yield* patch(`${root}/base.qcow2`, 3 * 65536, [0x80, 0, 0, 0xff, 0, 0, 0, 0])
        const failure = yield* inspect(`${root}/top.qcow2`).pipe(Effect.flatMap(QemuImage.verify), Effect.flip)
        assert.strictEqual(failure.reason._tag, "ImageUnusable")
        assert.include(failure.message, `${root}/base.qcow2 can not be used: it is damaged`)
      }))

    it.effect("names the package when there is no qemu-img", () =>
      Effect.gen(function*() {
        const { inspect, root } = yield* host
        const path = `${root}/x.qcow2`
        yield* image(path)
        const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
        const failure = yield* inspect(path).pipe(
          Effect.flatMap(QemuImage.verify),
          Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, withoutTools(spawner)),
          Effect.flip
        )
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.strictEqual(
          failure.message,
          "qemu-img was not found on the PATH: install it (Debian package qemu-utils)"
        )
      }))
  })

  describe("createOverlay", () => {
    it.effect("makes an overlay of the image's size, or a larger one, for the guests' user alone", () =>
      Effect.gen(function*() {
        const { fs, inspect, root, user } = yield* host
        const base = yield* inspect(`${root}/base.raw`, "raw")
        const target = `${root}/a,b: \n日本.qcow2`
        yield* QemuImage.createOverlay({ base, target, user })
        const overlay = yield* inspect(target)
        assert.deepStrictEqual(overlay, {
          layers: [{ path: target, format: "qcow2" }, { path: `${root}/base.raw`, format: "raw" }],
          virtualSize: ByteSize.mebibytes(1)
        })
        yield* QemuImage.verify(overlay)
        const info = yield* fs.stat(target)
        assert.strictEqual(info.mode & 0o777, 0o600)
        assert.deepInclude(info.uid, { value: user.uid })
        yield* QemuImage.createOverlay({ base, target, user, size: ByteSize.mebibytes(3) })
        assert.strictEqual((yield* inspect(target)).virtualSize, ByteSize.mebibytes(3))
        assert.sameMembers(yield* fs.readDirectory(root), ["base.raw", target.slice(root.length + 1)])
      }))

    it.effect("refuses a size below the image's", () =>
      Effect.gen(function*() {
        const { fs, inspect, root, user } = yield* host
        const base = yield* inspect(`${root}/base.raw`, "raw")
        const failure = yield* QemuImage.createOverlay({
          base,
          target: `${root}/x.qcow2`,
          user,
          size: ByteSize.kibibytes(1)
        }).pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "ImageUnusable")
        assert.include(failure.message, "1048576 bytes, and 1024 were asked for")
        assert.deepStrictEqual(yield* fs.readDirectory(root), ["base.raw"])
      }))

    it.effect("leaves what was there when it is interrupted, and nothing else", () =>
      Effect.gen(function*() {
        const { fs, inspect, root, user } = yield* host
        const base = yield* inspect(`${root}/base.raw`, "raw")
        const target = `${root}/x.qcow2`
        const create = (size: ByteSize.ByteSize) => QemuImage.createOverlay({ base, target, user, size })
        yield* create(ByteSize.mebibytes(1))
        for (const millis of [0, 2, 5, 10, 20]) {
          const fiber = yield* Effect.forkChild(create(ByteSize.mebibytes(2)), { startImmediately: true })
          yield* Effect.sleep(millis)
          yield* Fiber.interrupt(fiber)
          assert.sameMembers(yield* fs.readDirectory(root), ["base.raw", "x.qcow2"])
          assert.include([ByteSize.mebibytes(1), ByteSize.mebibytes(2)], (yield* inspect(target)).virtualSize)
        }
      }))

    it.effect("says so when the disk is full or read-only, and leaves nothing", () =>
      Effect.gen(function*() {
        const { fs, inspect, root, top, user } = yield* host
        if (!user.switched) return
        const base = yield* inspect(`${root}/base.raw`, "raw")
        const small = `${top}/small`
        yield* fs.makeDirectory(small)
        yield* tmpfs(small, "size=64k")
        const create = QemuImage.createOverlay({ base, target: `${small}/x.qcow2`, user }).pipe(Effect.flip)
        const full = yield* create
        assert.deepInclude(full.reason, { _tag: "NoSpace", path: `${small}/x.qcow2` })
        assert.deepStrictEqual(yield* fs.readDirectory(small), [])
        yield* exec("mount", "-o", "remount,ro", small)
        const readOnly = yield* create
        assert.strictEqual(readOnly.reason._tag, "HostFailure")
        assert.include(readOnly.message, "ead-only file system")
      }))

    it.effect("says so when there is no such directory", () =>
      Effect.gen(function*() {
        const { inspect, root, user } = yield* host
        const base = yield* inspect(`${root}/base.raw`, "raw")
        const failure = yield* QemuImage.createOverlay({ base, target: `${root}/no/x.qcow2`, user }).pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.include(failure.message, `${root}/no/x.qcow2`)
      }))
  })

  describe("blockdev", () => {
    it.effect("makes QEMU open what was checked, whatever the headers say by then", () =>
      Effect.gen(function*() {
        const { backedBy, fs, inspect, root } = yield* host
        yield* fs.writeFileString(`${root}/base.raw`, "checked".padEnd(1024 * 1024, "\0"))
        yield* backedBy(`${root}/middle.qcow2`, "base.raw", "raw")
        yield* backedBy(`${root}/a,b.qcow2`, "middle.qcow2", "qcow2")
        const image = yield* inspect(`${root}/a,b.qcow2`)
        assert.deepStrictEqual<unknown>(QemuImage.blockdev(image, { nodeName: "disk", readOnly: false }), {
          driver: "qcow2",
          "node-name": "disk",
          "read-only": false,
          discard: "unmap",
          file: { driver: "file", filename: `${root}/a,b.qcow2` },
          backing: {
            driver: "qcow2",
            "read-only": true,
            file: { driver: "file", filename: `${root}/middle.qcow2` },
            backing: { driver: "raw", "read-only": true, file: { driver: "file", filename: `${root}/base.raw` } }
          }
        })
        yield* fs.writeFileString(`${root}/other.raw`, "swapped".padEnd(1024 * 1024, "\0"))
        yield* backedBy(`${root}/middle.qcow2`, "other.raw", "raw")
        const options = QemuImage.blockdev(image, { nodeName: "disk", readOnly: true })
        yield* exec(
          "qemu-img",
          "dd",
          "-f",
          "raw",
          "-O",
          "raw",
          "bs=512",
          "count=1",
          `if=json:${JSON.stringify({ driver: "raw", file: options })}`,
          `of=${root}/read`
        )
        assert.match(yield* fs.readFileString(`${root}/read`), /^checked\0/)
      }))
  })
})

/** A host on which no tool is installed. */
const withoutTools = (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) =>
  ChildProcessSpawner.make((command) =>
    spawner.spawn(
      command._tag === "StandardCommand"
        ? ChildProcess.make(`${command.command}-missing`, command.args, command.options)
        : command
    )
  )
