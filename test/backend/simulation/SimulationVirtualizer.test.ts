/**
 * What the simulated virtualizer declares, finds and shows.
 */
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as SimulationVirtualizer from "../../../src/backend/simulation/SimulationVirtualizer.ts"
import type { BootSource } from "../../../src/domain/Image.ts"
import { Virtualizers } from "../../../src/Virtualizer.ts"
import { bootWith, create, id, make, otherId, passing, reasonOf, run, seconds, specOf, timed, volume } from "./rig.ts"

const container: BootSource = { kind: "container", image: "debian:13" }

const text = <E>(bytes: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(bytes))

describe("SimulationVirtualizer", () => {
  it.effect("a life without latencies takes no time", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({ latencies: "none" })
      const life = Effect.gen(function*() {
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Absent" })
        const progress = yield* Stream.runCollect(guest.ensureBackingImage)
        assert.isTrue(progress.length > 0 && progress.at(-1)?.doneBytes === progress.at(-1)?.totalBytes)
        assert.deepStrictEqual(yield* guest.probe, { _tag: "ImageReady" })
        yield* guest.createImage(bootWith())
        yield* guest.createImage(bootWith())
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Created", lastExit: undefined })
        yield* guest.start(bootWith())
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Running" })
        const monitor = yield* guest.monitor
        assert.deepStrictEqual(yield* monitor.connected, { paused: false, volumes: [] })
        yield* monitor.attachVolume(volume("v"))
        yield* monitor.attachVolume(volume("v"))
        yield* monitor.pause
        assert.deepStrictEqual(yield* monitor.status, { paused: true, volumes: [volume("v").id] })
        yield* monitor.resume
        yield* monitor.detachVolume(volume("v").id)
        yield* monitor.stop(seconds(10))
        assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
        yield* guest.kill
        yield* guest.deleteImage
        yield* guest.deleteImage
        assert.deepStrictEqual(yield* guest.probe, { _tag: "Absent" })
      })
      assert.deepInclude(yield* timed(life), { millis: 0 })
      assert.deepStrictEqual([host.violations, host.remains(id)], [[], []])
    }))

  it.effect("a paused guest is not asked to power off, and one without grace neither", () =>
    Effect.gen(function*() {
      const { guest } = yield* make()
      for (const isPaused of [true, false]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const monitor = yield* passing(run(guest))
          if (isPaused) yield* passing(monitor.pause)
          yield* passing(monitor.stop(seconds(isPaused ? 10 : 0)))
          assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Quit" } })
        }))
      }
    }))

  it.effect("a guest that is held on a full disk does not power off until it goes on", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({ latencies: { powerOff: [1_000, 1_000] } })
      const monitor = yield* passing(run(guest))
      const stop = yield* Effect.forkScoped(monitor.stop(seconds(60)), { startImmediately: true })
      host.holdAtDiskFull(id)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(host.guests.length, 1)
      yield* monitor.resume
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
    }))

  it.effect("a guest that freezes while it powers off does so when it is thawed and asked again", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({ latencies: { powerOff: [1_000, 1_000] } })
      const monitor = yield* passing(run(guest))
      const stop = yield* Effect.forkScoped(monitor.stop(seconds(60)), { startImmediately: true })
      host.freeze(id)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(host.guests.length, 1)
      host.thaw(id)
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
    }))

  it.effect("what is not declared is not supported, and changes nothing", () =>
    Effect.gen(function*() {
      const { guest, guestOf, host, virtualizer } = yield* make({
        capabilities: { boot: ["image"], pause: false, liveVolumes: false, console: false }
      })
      assert.deepStrictEqual(virtualizer.capabilities.boot, ["image"])
      assert.strictEqual(yield* reasonOf(guestOf(specOf({ boot: container }))), "NotSupported")
      assert.strictEqual(yield* reasonOf(guestOf(specOf({ boot: { kind: "kernel", kernel: "/k" } }))), "NotSupported")
      const monitor = yield* passing(run(guest, bootWith(volume("v"))))
      for (
        const refused of [
          monitor.pause,
          monitor.resume,
          monitor.attachVolume(volume("w")),
          monitor.detachVolume(volume("v").id),
          Stream.runDrain(guest.console.log({ follow: false })),
          Effect.scoped(guest.console.connect)
        ]
      ) {
        assert.strictEqual(yield* reasonOf(refused), "NotSupported")
      }
      assert.deepStrictEqual(host.guests, [{ id, pid: 1, paused: false, volumes: [volume("v").id] }])
      assert.strictEqual(
        yield* reasonOf(Effect.flatMap(make(), (rig) => rig.guestOf(specOf({ boot: container })))),
        "NotSupported"
      )
    }))

  it.effect("a container, where it is declared, powers off by an exit code", () =>
    Effect.gen(function*() {
      const { guestOf } = yield* make({ capabilities: { boot: ["image", "container"] } })
      const guest = yield* guestOf(specOf({ boot: container }))
      const monitor = yield* passing(run(guest))
      yield* passing(monitor.stop(seconds(10)))
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Exited", code: 0 } })
    }))

  it.effect("every guest is discovered, by whomever it was launched, and can be destroyed", () =>
    Effect.gen(function*() {
      const { guest, guestOf, host, virtualizer } = yield* make()
      yield* passing(run(guest))
      const other = yield* guestOf(specOf({ id: otherId }))
      yield* passing(create(other))
      assert.deepStrictEqual(yield* passing(Stream.runCollect(virtualizer.discover)), [{ id, handle: "pid 1" }])
      yield* passing(other.start(bootWith()))
      const fresh = SimulationVirtualizer.make(host)
      const found = yield* passing(Stream.runCollect(fresh.discover))
      assert.deepStrictEqual(found, [{ id, handle: "pid 1" }, { id: otherId, handle: "pid 2" }])
      for (const one of [...found, ...found]) yield* passing(fresh.destroy(one))
      assert.deepStrictEqual(yield* passing(Stream.runCollect(fresh.discover)), [])
      assert.deepStrictEqual(host.remains(otherId), ["image", "disk", "seed"])
    }))

  it.effect("stats grow with the time, and the size of the disk is what was asked for", () =>
    Effect.gen(function*() {
      const { guestOf } = yield* make()
      const guest = yield* guestOf(specOf({
        boot: { kind: "image", path: "/i", format: "raw", size: ByteSize.gibibytes(3) },
        vcpus: 2
      }))
      yield* passing(run(guest))
      const first = yield* passing(guest.stats)
      yield* TestClock.adjust("1 hour")
      const second = yield* passing(guest.stats)
      assert.isTrue((second.uptimeMillis ?? 0) - (first.uptimeMillis ?? 0) >= 3_600_000)
      assert.isTrue((second.cpuMillis ?? 0) - (first.cpuMillis ?? 0) >= 300_000)
      assert.strictEqual(second.diskVirtualBytes, 3 * 1024 ** 3)
      assert.strictEqual(second.memoryBytes, 16 * 1024 ** 2)
      const kernel = yield* guestOf(specOf({ id: otherId, boot: { kind: "kernel", kernel: "/k" } }))
      yield* passing(run(kernel))
      assert.isFalse("diskVirtualBytes" in (yield* passing(kernel.stats)))
    }))

  it.effect("the console's log tells a life, line by line, and ends with it", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      assert.strictEqual(yield* text(guest.console.log({ follow: true })), "")
      yield* passing(run(guest))
      const sofar = yield* text(guest.console.log({ follow: false }))
      const following = yield* Effect.forkScoped(text(guest.console.log({ follow: true })), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.isUndefined(following.pollUnsafe())
      host.reboot(id)
      host.powerOff(id)
      const all = yield* passing(Fiber.join(following))
      assert.isTrue(all.startsWith(sofar) && sofar !== "")
      assert.deepStrictEqual(
        all.split("\n").map((line) => line.replace(/^\[\d+\.\d{3}\] /, "")),
        ["boots", "runs", "reboots", "ends: powered off", ""]
      )
      assert.strictEqual(yield* text(guest.console.log({ follow: true })), all)
    }))

  it.effect("the console echoes, serves one connection at a time, and closes with its guest", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      assert.strictEqual(yield* reasonOf(Effect.scoped(guest.console.connect)), "NotRunning")
      yield* passing(run(guest))
      const decoder = new TextDecoder()
      const dial = Effect.gen(function*() {
        const socket = yield* guest.console.connect
        const { pull } = yield* socket.reader
        const { write } = yield* socket.writer
        return {
          write,
          read: Effect.map(
            pull,
            (chunks) => chunks.map((chunk) => typeof chunk === "string" ? chunk : decoder.decode(chunk)).join("")
          )
        }
      })
      const waiting = yield* Effect.scoped(Effect.gen(function*() {
        const first = yield* dial
        yield* first.write("hello")
        assert.strictEqual(yield* first.read, "hello")
        return yield* Effect.forkDetach(
          Effect.scoped(Effect.flatMap(dial, ({ read, write }) => Effect.andThen(write("later"), read))),
          { startImmediately: true }
        ).pipe(
          Effect.tap((fiber) => Effect.map(TestClock.adjust("1 hour"), () => assert.isUndefined(fiber.pollUnsafe())))
        )
      }))
      assert.strictEqual(yield* passing(Fiber.join(waiting)), "later")
      // A connection of a launcher that died is in nobody's way.
      yield* dial
      host.launcherDied()
      const { read, write } = yield* dial
      yield* write("again")
      assert.strictEqual(yield* passing(read), "again")
      const reading = yield* Effect.forkScoped(Effect.exit(read), { startImmediately: true })
      host.powerOff(id)
      assert.include(String(yield* passing(Fiber.join(reading))), "SocketError")
    }))

  it.effect("a file that is not there is told by its path, before anything is made of it", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      host.missing.add("/images/debian.qcow2")
      assert.strictEqual(yield* reasonOf(Stream.runDrain(guest.ensureBackingImage)), "ImageUnusable")
      host.missing.clear()
      yield* passing(Stream.runDrain(guest.ensureBackingImage))
      const boot = bootWith(volume("v"))
      host.missing.add("/volumes/v.raw")
      assert.strictEqual(yield* reasonOf(guest.createImage(boot)), "ImageUnusable")
      assert.deepStrictEqual(host.remains(id), ["image"])
      yield* passing(guest.createImage(bootWith()))
      assert.strictEqual(yield* reasonOf(guest.start(boot)), "ImageUnusable")
      const monitor = yield* passing(run(guest))
      assert.strictEqual(yield* reasonOf(monitor.attachVolume(volume("v"))), "ImageUnusable")
      assert.deepStrictEqual(host.guests, [{ id, pid: 1, paused: false, volumes: [] }])
      assert.deepStrictEqual(host.violations, [])
    }))

  it.effect("the layer brings a host and its virtualizer", () =>
    Effect.gen(function*() {
      const host = yield* SimulationVirtualizer.Host
      const simulation = (yield* Virtualizers).get("simulation")
      const guest = yield* Effect.flatMap(
        Effect.fromNullishOr(simulation),
        ({ make }) => make(specOf(), "/instances/x")
      )
      yield* run(guest)
      assert.strictEqual(host.guests.length, 1)
    }).pipe(Effect.provide(SimulationVirtualizer.layer({ seed: 1, latencies: "none" }))))
})
