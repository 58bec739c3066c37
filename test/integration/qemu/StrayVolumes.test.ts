import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as QemuDevices from "../../../src/backend/qemu/QemuDevices.ts"
import * as QmpClient from "../../../src/qmp/QmpClient.ts"
import * as QmpCommands from "../../../src/qmp/QmpCommands.ts"
import * as QmpTransport from "../../../src/qmp/QmpTransport.ts"
import * as Rig from "./Rig.ts"

layer(NodeServices.layer, { excludeTestServices: true })("QemuVirtualizer", (it) => {
  describe("adopts a guest", () => {
    it.effect("and closes a volume that was left open without a device, and no other", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.empty()
        const [own, stray] = [yield* rig.volume("own", "raw", "own"), yield* rig.volume("stray", "qcow2", "stray")]
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec, [own]))
        // Its first monitor's connection is closed: it takes one at a time.
        const launched = yield* Rig.monitor(guest)
        yield* launched.monitor.connected
        yield* launched.close
        yield* Effect.scoped(Effect.gen(function*() {
          const client = yield* QmpClient.open(QmpTransport.unix(rig.directory(spec).qmpSocket), {})
          yield* client.negotiated
          const { path: filename } = stray.source
          yield* client.execute(QmpCommands.blockdevAdd, {
            driver: "qcow2",
            file: { driver: "file", filename },
            "node-name": QemuDevices.volumeNode(stray.id)
          })
          assert.isTrue(yield* rig.isOpen(filename))
        }))

        const { monitor } = yield* Rig.monitor(yield* rig.guest(spec))
        const { volumes } = yield* monitor.connected

        assert.deepStrictEqual(volumes, [own.id])
        assert.isFalse(yield* rig.isOpen(stray.source.path))
        assert.isTrue(yield* rig.isOpen(own.source.path))
        yield* monitor.attachVolume(stray)
        assert.isTrue(yield* rig.isOpen(stray.source.path))
      }))
  })
})
