import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import type { Guest } from "../../../src/Virtualizer.ts"
import { VolumeId } from "../../../src/domain/Volume.ts"
import { Notes } from "../../../src/testing/conformance/Notes.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import * as Rig from "./Rig.ts"

/** A connection to the guest's console, and what types a line there. Open for as long as the scope is. */
const keyboard = Effect.fnUntraced(function*(guest: Guest) {
  const socket = yield* guest.console.connect
  yield* Effect.forkScoped(Effect.flatMap(socket.reader, ({ pull }) => Effect.forever(pull)))
  const { write } = yield* socket.writer
  return (line: string) => write(`${line}\n`)
})

layer(NodeServices.layer, { excludeTestServices: true })("QemuVirtualizer", (it) => {
  describe("a Linux guest", () => {
    it.effect("powers off when asked, is told to have panicked when it did, and reboots without ending", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.linux({ nics: [{ kind: "user" }, { kind: "none" }] })
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, boot)
        const first = yield* Rig.monitor(guest)
        const notes = new Notes()
        yield* first.monitor.follow(notes)
        yield* Rig.until(guest, TinyGuest.ready)
        yield* first.monitor.pause
        yield* first.monitor.pause
        yield* first.monitor.resume
        const type = yield* keyboard(guest)
        yield* type("echo the host says $((6 * 7))")
        yield* Rig.until(guest, "the host says 42")
        yield* first.monitor.stop(Duration.seconds(60))
        assert.deepStrictEqual(yield* first.monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
        assert.deepStrictEqual(notes.events.map(({ _tag }) => _tag), ["Paused", "Resumed"])
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Created", lastExit: { _tag: "PoweredOff" } })

        yield* guest.start(boot)
        const second = yield* Rig.monitor(guest)
        yield* Rig.until(guest, TinyGuest.ready)
        yield* (yield* keyboard(guest))("echo c > /proc/sysrq-trigger")
        assert.deepStrictEqual(yield* second.monitor.ended, { _tag: "Exited", status: { _tag: "Panicked" } })
        assert.deepStrictEqual(yield* rig.alive, [])

        yield* guest.start(boot)
        const third = yield* Rig.monitor(guest)
        const reboots = new Notes()
        yield* third.monitor.follow(reboots)
        yield* Rig.until(guest, TinyGuest.ready)
        yield* (yield* keyboard(guest))("reboot -f")
        yield* Rig.until(guest, /SeaBIOS[^]*SeaBIOS/)
        yield* third.monitor.stop(Duration.zero)
        assert.deepStrictEqual(reboots.events, [{ _tag: "Rebooted" }])
      }))

    it.effect("that ended while nobody watched is held until its reason is on record", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const spec = yield* rig.linux()
        const boot = rig.boot(spec)
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, boot)
        const first = yield* Rig.monitor(guest)
        yield* Rig.until(guest, TinyGuest.ready)
        yield* first.close
        yield* (yield* keyboard(guest))("poweroff -f")
        yield* Rig.until(guest, "Power down")
        const later = yield* rig.guest(spec)
        assert.deepStrictEqual(yield* later.probe, { _tag: "Running" })
        const { monitor } = yield* Rig.monitor(later)
        assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
        assert.deepStrictEqual(yield* rig.alive, [])
      }))

    it.effect("takes and gives back volumes while it runs, those it was launched with too", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make({ hotplugSlots: 1 })
        const own = yield* rig.volume("own", "raw", "its own")
        const raw = yield* rig.volume("0b0e7a9e-raw", "raw", "a raw token")
        const qcow2 = yield* rig.volume("0b0e7a9e-1111-4222-8333-444455556666.qcow2", "qcow2", "a qcow2 token", true)
        const spec = yield* rig.linux()
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec, [own]))
        const { close, monitor } = yield* Rig.monitor(guest)
        assert.deepStrictEqual((yield* monitor.connected).volumes, [own.id])
        // Its firmware still runs: what it is asked now is asked again.
        yield* monitor.attachVolume(raw)
        yield* monitor.attachVolume(raw)
        yield* Rig.until(guest, "head=its own")
        assert.deepStrictEqual([...(yield* monitor.status).volumes].toSorted(), [raw.id, own.id].toSorted())
        const full = yield* Effect.flip(monitor.attachVolume(qcow2))
        assert.strictEqual(full.reason._tag, "AttachFailed")
        assert.include(full.message, "hotplugSlots")
        yield* Rig.until(guest, "serial=0b0e7a9e-raw bytes=1048576 head=a raw token")

        yield* monitor.detachVolume(own.id)
        yield* monitor.detachVolume(own.id)
        yield* monitor.attachVolume(qcow2)
        yield* Rig.until(guest, "serial=0b0e7a9e-1111-4222-8 bytes=1048576 head=a qcow2 token")
        yield* close

        const adopted = yield* Rig.monitor(yield* rig.guest(spec))
        assert.deepStrictEqual(
          [...(yield* adopted.monitor.connected).volumes].toSorted(),
          [raw.id, qcow2.id].toSorted()
        )
        yield* adopted.monitor.detachVolume(raw.id)
        yield* adopted.monitor.detachVolume(qcow2.id)
        yield* adopted.monitor.detachVolume(VolumeId.make("never"))
        assert.deepStrictEqual((yield* adopted.monitor.status).volumes, [])
        const outside = yield* Effect.flip(adopted.monitor.attachVolume({
          id: VolumeId.make("x"),
          readOnly: true,
          source: { _tag: "File", path: "/etc/hostname", format: "raw" }
        }))
        assert.strictEqual(outside.reason._tag, "PathRefused")
      }))

    it.effect("lets go of a volume that it is asked for while it boots", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make()
        const own = yield* rig.volume("own", "raw", "its own")
        const spec = yield* rig.linux()
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec, [own]))
        const { monitor } = yield* Rig.monitor(guest)
        yield* monitor.connected
        yield* monitor.detachVolume(own.id)
        assert.deepStrictEqual((yield* monitor.status).volumes, [])
        yield* Rig.until(guest, TinyGuest.ready)
      }))

    it.effect("is as before when an attachment is interrupted", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make({ hotplugSlots: 1 })
        const raw = yield* rig.volume("raw", "raw", "a raw token")
        const spec = yield* rig.linux()
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec))
        const { monitor } = yield* Rig.monitor(guest)
        yield* Rig.until(guest, TinyGuest.ready)
        const isOpen = rig.isOpen(raw.source.path)
        // At once, when QEMU has opened the file, and a little later, until it is too late.
        let late = 0
        for (let isDone = false; !isDone; late++) {
          const fiber = yield* Effect.forkChild(monitor.attachVolume(raw), { startImmediately: true })
          if (late > 0) {
            yield* Effect.repeat(Effect.andThen(Effect.yieldNow, isOpen), { until: (open) => open })
            yield* Effect.repeat(Effect.yieldNow, { times: late - 1 })
          }
          yield* Fiber.interrupt(fiber)
          isDone = (yield* Fiber.await(fiber))._tag === "Success"
          assert.deepStrictEqual((yield* monitor.status).volumes, isDone ? [raw.id] : [], `${late} turns late`)
          assert.strictEqual(yield* isOpen, isDone, `${late} turns late`)
        }
        yield* monitor.detachVolume(raw.id)
        assert.isFalse(yield* isOpen)
      }))

    it.effect("boots from the volume that it says, behind many ports, and finds its seed", () =>
      Effect.gen(function*() {
        const rig = yield* Rig.make({ hotplugSlots: 24 })
        const { bootDisk } = yield* TinyGuest.copyTo(`${rig.config.stateDirectory}/volumes`)
        const bootable = {
          id: VolumeId.make("bootable"),
          readOnly: true,
          source: { _tag: "File", path: bootDisk, format: "raw" }
        } as const
        const spec = yield* rig.linux({
          boot: { kind: "volume", volume: "bootable" },
          volumes: [{ id: "other" }, { id: "bootable", readOnly: true }],
          cloudInit: {
            dataSource: "nocloud",
            metaData: "local-hostname: thinker\n",
            userData: "#!/bin/sh\necho seeded\n"
          }
        })
        const guest = yield* rig.guest(spec)
        yield* rig.start(guest, rig.boot(spec, [yield* rig.volume("other", "raw", "another"), bootable]))
        yield* Rig.monitor(guest)
        const log = yield* Rig.until(guest, TinyGuest.ready)
        assert.include(log, "VIVARIUM-GUEST hostname thinker")
        assert.include(log, "seeded")
      }))
  })
})
