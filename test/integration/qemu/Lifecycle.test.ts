import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, FileSystem, Path, Stream } from "effect"
import type { Guest } from "../../../src/Virtualizer.ts"
import { ChildProcess } from "effect/process"
import { programsBegun } from "../../host/programsBegun.ts"
import * as QemuExit from "../../../src/backend/qemu/QemuExit.ts"
import * as QemuProcess from "../../../src/backend/qemu/QemuProcess.ts"
import * as Rig from "./Rig.ts"

layer(NodeServices.layer, { excludeTestServices: true })("QemuVirtualizer", (it) => {
  describe("a guest without an operating system", () => {
    it.effect("is made, launched, monitored, adopted under the same pid, ended and removed", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Absent" })
        assert.deepStrictEqual(yield* Stream.runCollect(guest.ensureBackingImage), [
          { doneBytes: 1048576, totalBytes: 1048576 }
        ])
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Absent" })
        yield* guest.createImage(boot)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Created", lastExit: undefined })
        yield* guest.start(boot)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Running" })

        const first = yield* Rig.monitor(guest)
        assert.deepStrictEqual(yield* first.monitor.connected, { paused: false, volumes: [] })
        assert.deepStrictEqual(yield* first.monitor.status, { paused: false, volumes: [] })
        yield* Rig.until(guest, "No bootable device")
        yield* first.monitor.pause
        const [identity] = yield* rig.alive
        yield* first.close

        const adopted = yield* rig.guest(spec)
        const second = yield* Rig.monitor(adopted)
        assert.deepStrictEqual(yield* second.monitor.connected, { paused: true, volumes: [] })
        assert.deepStrictEqual(yield* second.monitor.status, { paused: true, volumes: [] })
        assert.deepStrictEqual(yield* rig.alive, [identity])
        const stats = yield* adopted.stats
        assert.isAbove(stats.memoryBytes ?? 0, 1024 * 1024)
        assert.strictEqual(stats.diskVirtualBytes, 1048576)
        assert.deepStrictEqual(yield* Stream.runCollect(rig.virtualizer.discover), [
          { id: spec.id, handle: `pid ${identity?.pid}` }
        ])

        // Paused, it is not asked: the grace is not waited for.
        yield* second.monitor.stop(Duration.hours(1))
        assert.deepStrictEqual(yield* second.monitor.ended, { _tag: "Exited", status: { _tag: "Quit" } })
        assert.deepStrictEqual(yield* rig.alive, [])
        assert.deepStrictEqual(yield* adopted.probe, { _tag: "Created", lastExit: { _tag: "Quit" } })
        yield* adopted.deleteImage
        assert.deepStrictEqual(yield* adopted.probe, { _tag: "Absent" })
        assert.isFalse(yield* fs.exists(rig.directory(spec).path))
      }))

    it.effect("is killed without a monitor, and one that vanishes is told as unknown", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, boot)
        yield* guest.kill
        assert.deepStrictEqual(yield* rig.alive, [])
        yield* guest.kill
        assert.deepStrictEqual(yield* guest.probe, {
          _tag: "Created",
          lastExit: { _tag: "Killed", signal: "SIGKILL" }
        })

        yield* guest.start(boot)
        const { monitor } = yield* Rig.monitor(guest)
        yield* monitor.connected
        const [identity] = yield* rig.alive
        process.kill(identity.pid, "SIGKILL")
        assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Unknown" } })
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Created", lastExit: undefined })
        assert.strictEqual((yield* Effect.flip(guest.stats)).reason._tag, "NotRunning")
        assert.strictEqual((yield* Effect.flip(Effect.scoped(guest.monitor))).reason._tag, "NotRunning")
        assert.strictEqual((yield* Effect.flip(monitor.pause)).reason._tag, "NotRunning")
        yield* monitor.stop(Duration.zero)
      }))

    it.effect("that ignores the power button is made to end after its grace, and one that is frozen is killed", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make({ killDeadline: Duration.seconds(1) })
        const spec = yield* rig.empty()
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, boot)
        const { monitor } = yield* Rig.monitor(guest)
        yield* monitor.connected
        const [taken] = yield* Effect.timed(monitor.stop(Duration.millis(300)))
        assert.isAtLeast(Duration.toMillis(taken), 300)
        assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Quit" } })

        yield* guest.start(boot)
        const again = yield* Rig.monitor(guest)
        yield* again.monitor.connected
        const [identity] = yield* rig.alive
        process.kill(identity.pid, "SIGSTOP")
        yield* again.monitor.stop(Duration.zero)
        assert.deepStrictEqual(yield* again.monitor.ended, {
          _tag: "Exited",
          status: { _tag: "Killed", signal: "SIGKILL" }
        })
        assert.deepStrictEqual(yield* rig.alive, [])
      }))

    it.effect("does not let go of a volume, and an attachment that is interrupted does not wait for it", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const volume = yield* rig.volume("raw", "raw", "")
        const spec = yield* rig.empty()
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec))
        const { monitor } = yield* Rig.monitor(guest)
        yield* monitor.connected
        // When QEMU has opened the file, and a little later, until the guest has it.
        for (let late = 0, has = false; !has; late++) {
          const fiber = yield* Effect.forkChild(monitor.attachVolume(volume), { startImmediately: true })
          yield* Effect.repeat(Effect.andThen(Effect.yieldNow, rig.isOpen(volume.source.path)), {
            until: (open) => open
          })
          yield* Effect.repeat(Effect.yieldNow, { times: late })
          const [taken] = yield* Effect.timed(Fiber.interrupt(fiber))
          assert.isBelow(Duration.toMillis(taken), 15_000)
          has = (yield* monitor.status).volumes.includes(volume.id)
          assert.strictEqual(yield* rig.isOpen(volume.source.path), has, `${late} turns late`)
        }
      }))

    it.effect("that is frozen is told as lost, and can not be adopted until it thaws", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make({ heartbeat: Duration.millis(500), commandDeadline: Duration.millis(500) })
        const spec = yield* rig.empty()
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec))
        const { close, monitor } = yield* Rig.monitor(guest)
        yield* monitor.connected
        const [identity] = yield* rig.alive
        process.kill(identity.pid, "SIGSTOP")
        assert.strictEqual((yield* monitor.ended)._tag, "Lost")
        yield* close
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Running" })
        assert.strictEqual((yield* Effect.flip(Effect.scoped(guest.monitor))).reason._tag, "Unreachable")
        process.kill(identity.pid, "SIGCONT")
        const again = yield* Rig.monitor(guest)
        yield* again.monitor.connected
      }))

    it.effect("is found before it has a pid file, and with sockets in the runtime directory", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const rig = yield* Rig.make()
        const spec = yield* rig.empty({ id: Array.from({ length: 32 }, () => "a").join("-") })
        const guest = yield* rig.guest(spec)
        const directory = rig.directory(spec)
        yield* rig.start(guest, rig.boot(spec))
        assert.isTrue(directory.consoleSocket.startsWith(rig.config.runtimeDirectory))
        assert.isTrue(yield* fs.exists(directory.consoleSocket))
        yield* fs.remove(directory.pidFile)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Running" })
        const adopted = yield* rig.guest(spec)
        yield* guest.kill
        assert.strictEqual((yield* adopted.probe)._tag, "Created")
        yield* adopted.deleteImage
        assert.isFalse(yield* fs.exists(directory.sockets))
      }))

    it.effect("has not ended for having been made to: a note of that without the process's end proves nothing", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const guest = yield* rig.guest(spec)
        const directory = rig.directory(spec)
        yield* rig.start(guest, rig.boot(spec))
        // As a launcher leaves it that is killed after its note, and a guest that removes its pid file.
        yield* QemuExit.note(directory.exit, { _tag: "Quit" })
        yield* fs.remove(directory.pidFile)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Running" })
        yield* Effect.flatMap(rig.alive, Effect.forEach((identity) => QemuProcess.kill(identity, "10 seconds")))
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Created", lastExit: { _tag: "Quit" } })
      }))

    it.effect("leaves nothing when its launch is interrupted, whenever that is", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const boot = rig.boot(spec)
        const guest: Guest = yield* rig.guest(spec)
        yield* guest.createImage(boot)
        for (const millis of [0, 1, 3, 6, 10, 15, 20, 30, 40]) {
          const fiber = yield* Effect.forkChild(guest.start(boot), { startImmediately: true })
          yield* Effect.sleep(millis)
          yield* Fiber.interrupt(fiber)
          // One that was there already when the interruption came is as good.
          const left = yield* rig.alive
          if ((yield* Fiber.await(fiber))._tag === "Success") {
            assert.lengthOf(left, 1)
            yield* guest.kill
          } else {
            assert.deepStrictEqual(left, [], `after ${millis} ms`)
            assert.isFalse(yield* fs.exists(rig.directory(spec).qmpSocket))
          }
        }
      }))

    it.effect("tells QEMU's own words when QEMU gives up at once, and what to install when there is none", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.empty({ nics: [{ kind: "tap", tap: "viv-none" }] })
        const guest = yield* rig.guest(spec)
        const noTap = yield* Effect.flip(rig.start(guest, rig.boot(spec)))
        assert.include(noTap.message, "there is no tap device viv-none")

        const crowded = yield* rig.empty({ id: "e1", vcpus: 1024 })
        const many = yield* Effect.flip(rig.start(yield* rig.guest(crowded), rig.boot(crowded)))
        assert.strictEqual(many.reason._tag, "LaunchFailed")
        assert.include(many.message, "CPUs")

        const missing = yield* Rig.make({ emulator: "qemu-system-none" })
        const plain = yield* missing.empty()
        const none = yield* Effect.flip(missing.start(yield* missing.guest(plain), missing.boot(plain)))
        assert.strictEqual(none.reason._tag, "LaunchFailed")
        assert.include(none.message, "install")
        assert.deepStrictEqual([...(yield* rig.alive), ...(yield* missing.alive)], [])
      }))

    it.effect("is found, or is not there, when who launched it was killed in the middle, and outlives who launched it", () =>
      Effect.gen(function*() {
        const path = yield* Path.Path
        const rig = yield* Rig.make()
        const program = yield* path.fromFileUrl(new URL("launching.ts", import.meta.url))
        const launch = Effect.fnUntraced(function*(id: string, killAfterMillis: number | undefined) {
          const spec = yield* rig.empty({ id })
          const child = yield* ChildProcess.make(process.execPath, [program, rig.config.stateDirectory, id], {
            stdin: "ignore",
            stderr: "inherit",
            killSignal: "SIGKILL",
            additionalFds: { fd3: { type: "output" } }
          })
          const word = killAfterMillis === undefined ? "launched" : "launching"
          yield* child.stdout.pipe(
            Stream.decodeText,
            Stream.splitLines,
            Stream.takeUntil((line) => line === word),
            Stream.runDrain
          )
          yield* Effect.sleep(killAfterMillis ?? 0)
          process.kill(child.pid, "SIGKILL")
          // A child that it has forked is not told from it until that begins another program. Then this ends, too.
          yield* Stream.runDrain(child.getOutputFd(3))
          yield* Effect.exit(child.exitCode)
          yield* programsBegun
          return yield* rig.guest(spec)
        }, Effect.scoped)
        for (const [index, millis] of [2, 5, 8, 12, 20].entries()) {
          const guest = yield* launch(`c${index}`, millis)
          const alive = yield* rig.alive
          assert.strictEqual(
            (yield* guest.probe)._tag,
            alive.length === 0 ? "Created" : "Running",
            `after ${millis} ms`
          )
          yield* guest.kill
          assert.deepStrictEqual(yield* rig.alive, [])
        }
        const guest = yield* launch("d0", undefined)
        yield* (yield* Rig.monitor(guest)).monitor.connected
      }))

    it.effect("has the tap devices it is to have, in their order, and they are there when it has gone", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const ip = (...args: ReadonlyArray<string>) =>
          Effect.scoped(Effect.flatMap(ChildProcess.make("ip", args), ({ exitCode }) => exitCode))
        const rig = yield* Rig.make()
        const taps = [0, 1].map((index) => `viv${process.pid}-${index}`)
        for (const tap of taps) {
          yield* Effect.acquireRelease(
            ip("tuntap", "add", "dev", tap, "mode", "tap"),
            () => Effect.orDie(ip("link", "del", tap))
          )
          assert.strictEqual(yield* ip("link", "set", tap, "up"), 0)
        }
        const carrier = Effect.forEach(
          taps,
          (tap) => Effect.map(fs.readFileString(`/sys/class/net/${tap}/carrier`), (text) => text.trim())
        )
        const spec = yield* rig.empty({
          nics: [{ kind: "tap", tap: taps[0] }, { kind: "user" }, { kind: "tap", tap: taps[1] }]
        })
        const guest = yield* rig.guest(spec)
        assert.deepStrictEqual(yield* carrier, ["0", "0"])
        yield* rig.start(guest, rig.boot(spec))
        assert.deepStrictEqual(yield* carrier, ["1", "1"])
        yield* guest.kill
        assert.deepStrictEqual(yield* carrier, ["0", "0"])
      }))

    it.effect("is not harmed by a second launch, which fails", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, boot)
        const second = yield* Effect.flip(Effect.flatMap(rig.guest(spec), (again) => again.start(boot)))
        assert.strictEqual(second.reason._tag, "LaunchFailed")
        assert.lengthOf(yield* rig.alive, 1)
        yield* (yield* Rig.monitor(guest)).monitor.connected
      }))

    it.effect("runs UEFI, whose variables are its own", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const rig = yield* Rig.make()
        const spec = yield* rig.empty({ firmware: "efi", memory: "128 MiB" })
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec))
        yield* Rig.monitor(guest)
        yield* Rig.until(guest, "BdsDxe")
        assert.isTrue(yield* fs.exists(rig.directory(spec).firmwareVariables))
      }))

    it.effect("is destroyed by what was discovered of it", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        yield* rig.start(yield* rig.guest(spec), rig.boot(spec))
        const found = yield* Stream.runCollect(rig.virtualizer.discover)
        assert.lengthOf(found, 1)
        yield* rig.virtualizer.destroy(found[0])
        assert.deepStrictEqual(yield* Stream.runCollect(rig.virtualizer.discover), [])
        yield* rig.virtualizer.destroy(found[0])
      }))
  })
})
