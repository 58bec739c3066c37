import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, FileSystem } from "effect"
import * as BootSector from "../../guest/BootSector.ts"
import { typeAt } from "../../host/typeAt.ts"
import * as Rig from "./Rig.ts"

/** A guest that lets go of what it is asked for, and a volume that it is launched with. */
const make = Effect.fnUntraced(function*() {
  const fs = yield* FileSystem.FileSystem
  const rig = yield* Rig.make({ hotplugDeadline: Duration.seconds(2) })
  const path = `${rig.config.stateDirectory}/images/sector.raw`
  yield* fs.writeFile(path, BootSector.disk({ deaf: false }))
  yield* fs.chmod(path, 0o644)
  const spec = yield* rig.empty({ boot: { kind: "image", path, format: "raw" } })
  const volume = yield* rig.volume("data", "raw", "")
  const guest = yield* rig.guest(spec)
  yield* rig.start(guest, rig.boot(spec, [volume]))
  const { monitor } = yield* Rig.monitor(guest)
  yield* monitor.connected
  yield* Rig.until(guest, BootSector.ready)
  return { rig, spec, volume, guest, monitor }
})

layer(NodeServices.layer, { excludeTestServices: true })("QemuMonitor", (it) => {
  describe("a volume of a guest that is paused", () => {
    it.effect("is not detached, which is told at once, and the guest has it when it goes on", () =>
      Effect.gen(function*() {
        const { guest, monitor, rig, spec, volume } = yield* make()
        yield* monitor.pause
        const [taken, refused] = yield* Effect.timed(Effect.flip(monitor.detachVolume(volume.id)))
        yield* monitor.resume
        // By then it has done whatever it was asked before.
        yield* typeAt(rig.directory(spec).consoleSocket, BootSector.orders.reboot)
        yield* Rig.until(guest, new RegExp(`${BootSector.ready}[^]*${BootSector.ready}`))
        assert.deepStrictEqual((yield* monitor.status).volumes, [volume.id])
        assert.strictEqual(refused.reason._tag, "DetachFailed")
        assert.isBelow(Duration.toMillis(taken), 1000)
        assert.isTrue(yield* rig.isOpen(volume.source.path))
        yield* monitor.detachVolume(volume.id)
        assert.isFalse(yield* rig.isOpen(volume.source.path))
      }))
  })
})
