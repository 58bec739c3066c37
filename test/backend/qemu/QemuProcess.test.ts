import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { ChildProcess } from "effect/process"
import * as QemuProcess from "../../../src/backend/qemu/QemuProcess.ts"

const uuid = "11111111-2222-4333-8444-555555555555"

/** A process that says the same of itself as a guest does, and a directory for its pid file. Gone with the scope. */
const pretend = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  const signature = { uuid, pidFile: `${directory}/qemu.pid` }
  const { pid } = yield* ChildProcess.make(
    "perl",
    ["-e", "sleep 600", "--", "-uuid", uuid, "-pidfile", signature.pidFile],
    { stdin: "ignore", stdout: "ignore", stderr: "ignore", killSignal: "SIGKILL" }
  )
  return { signature, pid: Number(pid), writePid: (text: string) => fs.writeFileString(signature.pidFile, text) }
})

layer(NodeServices.layer, { excludeTestServices: true })("QemuProcess", (it) => {
  describe("a guest's process", () => {
    it.effect("is found by its pid file, and without one by what its command line says", () =>
      Effect.gen(function*() {
        const { pid, signature, writePid } = yield* pretend
        assert.isUndefined(yield* QemuProcess.findByPidFile(signature))
        assert.strictEqual((yield* QemuProcess.find(signature))?.pid, pid)
        yield* writePid(`${pid}\n`)
        assert.strictEqual((yield* QemuProcess.findByPidFile(signature))?.pid, pid)
        assert.isUndefined(yield* QemuProcess.find({ ...signature, uuid: uuid.replaceAll("1", "2") }))
        assert.isUndefined(yield* QemuProcess.find({ ...signature, pidFile: `${signature.pidFile}x` }))
      }))

    it.effect("is found also when it put something else in its pid file's place", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { pid, signature } = yield* pretend
        for (const put of [fs.symlink("/etc/passwd", signature.pidFile), fs.makeDirectory(signature.pidFile)]) {
          yield* put
          assert.strictEqual((yield* QemuProcess.findByPidFile(signature))?.pid, pid)
          assert.strictEqual((yield* QemuProcess.find(signature))?.pid, pid)
          yield* fs.remove(signature.pidFile, { recursive: true })
        }
      }))

    it.effect("is no other that has its number", () =>
      Effect.gen(function*() {
        const { pid, signature, writePid } = yield* pretend
        for (const text of [`${process.pid}\n`, "1", "0", "-1", "4194305", "x", ""]) {
          yield* writePid(text)
          assert.isUndefined(yield* QemuProcess.findByPidFile(signature), JSON.stringify(text))
        }
        const found = QemuProcess.identify(signature, pid)!
        for (
          const other of [
            { ...found, startTicks: found.startTicks + 1 },
            { ...found, signature: { ...signature, uuid: uuid.replaceAll("1", "2") } }
          ]
        ) {
          assert.isFalse(QemuProcess.isAlive(other))
          yield* QemuProcess.kill(other, "1 second")
          assert.isTrue(QemuProcess.isAlive(found))
        }
      }))

    it.effect("is gone when killing it returns", () =>
      Effect.gen(function*() {
        const { pid, signature } = yield* pretend
        const found = QemuProcess.identify(signature, pid)!
        assert.isFalse(yield* QemuProcess.goneWithin(found, "5 millis"))
        yield* QemuProcess.kill(found, "10 seconds")
        assert.isFalse(QemuProcess.isAlive(found))
        assert.isUndefined(yield* QemuProcess.find(signature))
        yield* QemuProcess.kill(found, "1 second")
      }))
  })
})
