import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, FileSystem } from "effect"
import * as BootSector from "../../guest/BootSector.ts"
import * as GatedQemu from "../../host/GatedQemu.ts"
import { typeAt } from "../../host/typeAt.ts"
import * as Rig from "./Rig.ts"

/** A guest that lets go of what it is asked for, a volume that it is launched with, and a relay on its control channel. */
const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const qemu = yield* GatedQemu.make()
  const rig = yield* Rig.make({ hotplugDeadline: Duration.seconds(2), emulator: qemu.emulator })
  const path = `${rig.config.stateDirectory}/images/sector.raw`
  yield* fs.writeFile(path, BootSector.disk({ deaf: false }))
  yield* fs.chmod(path, 0o644)
  const spec = yield* rig.empty({ boot: { kind: "image", path, format: "raw" } })
  const relay = yield* qemu.relay(spec.id)
  const volume = yield* rig.volume("data", "raw", "")
  const guest = yield* rig.guest(spec)
  yield* rig.start(guest, rig.boot(spec, [volume]))
  const { monitor } = yield* Rig.monitor(guest)
  yield* monitor.connected
  yield* Rig.until(guest, BootSector.ready)
  return { relay, rig, spec, volume, guest, monitor }
})

layer(NodeServices.layer, { excludeTestServices: true })("QemuMonitor", (it) => {
  describe("a volume of a guest that is paused", () => {
    it.effect("is not detached, which is told at once, and the guest has it when it goes on", () =>
      Effect.gen(function*() {
        const { guest, monitor, rig, spec, volume } = yield* make
        yield* monitor.pause
        const [taken, refused] = yield* Effect.timed(Effect.flip(monitor.detachVolume(volume.id)))
        yield* monitor.resume
        // By then it has done whatever it was asked before.
        yield* typeAt(rig.directory(spec).consoleSocket, BootSector.orders.reboot)
        yield* Rig.until(guest, new RegExp(`${BootSector.ready}[^]*${BootSector.ready}`))
        assert.deepStrictEqual((yield* monitor.status).volumes, [volume.id])
        assert.strictEqual(refused.reason._tag, "DetachFailed")
        // To wait for the guest would take half a minute.
        assert.isBelow(Duration.toMillis(taken), 15_000)
        assert.isTrue(yield* rig.isOpen(volume.source.path))
        yield* monitor.detachVolume(volume.id)
        assert.isFalse(yield* rig.isOpen(volume.source.path))
      }))
  })

  describe("a volume that the guest lets go of when that is not waited for any more", () => {
    it.effect("is plugged in again: who was told that it could not be detached finds it there", () =>
      Effect.gen(function*() {
        const { monitor, relay, rig, volume } = yield* make
        // What comes behind it is held too: the news that the guest let go.
        const gate = relay.hold("after", "device_del")
        assert.strictEqual((yield* Effect.flip(monitor.detachVolume(volume.id))).reason._tag, "DetachFailed")
        const plugged = relay.passed("after", "device_add")
        yield* gate.open
        yield* plugged
        assert.deepStrictEqual((yield* monitor.status).volumes, [volume.id])
        assert.isTrue(yield* rig.isOpen(volume.source.path))
        yield* monitor.detachVolume(volume.id)
        assert.isFalse(yield* rig.isOpen(volume.source.path))
      }))

    it.effect("is closed where its attachment was undone", () =>
      Effect.gen(function*() {
        const { monitor, relay, rig } = yield* make
        const other = yield* rig.volume("other", "raw", "")
        const adding = relay.hold("after", "device_add")
        const attach = yield* Effect.forkChild(monitor.attachVolume(other), { startImmediately: true })
        yield* adding.reached
        const removing = relay.hold("after", "device_del")
        const interruption = yield* Effect.forkChild(Fiber.interrupt(attach), { startImmediately: true })
        yield* adding.open
        yield* removing.reached
        yield* Fiber.join(interruption)
        const closed = relay.passed("after", "blockdev-del")
        yield* removing.open
        yield* closed
        assert.isFalse(yield* rig.isOpen(other.source.path))
        yield* monitor.attachVolume(other)
        assert.isTrue(yield* rig.isOpen(other.source.path))
      }))
  })
})
