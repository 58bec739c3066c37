/**
 * Each fault of images, launches and operations strikes for certain, alone: it does what its description says, when it says so, and
 * nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Fault from "../../../src/backend/simulation/Fault.ts"
import {
  bootWith,
  create,
  id,
  isBetween,
  make,
  millisOf,
  only,
  passing,
  reasonOf,
  run,
  running,
  seconds,
  timed,
  volume,
  withFaults
} from "./rig.ts"

describe("Fault", () => {
  it("every fault has a probability in both presets, and a description", () => {
    const names = Object.keys(Fault.faults).sort()
    assert.deepStrictEqual(Object.keys(Fault.standard).sort(), names)
    assert.deepStrictEqual(Object.keys(Fault.hostile).sort(), names)
    assert.deepStrictEqual(Object.keys(Fault.none), [])
    for (const probability of [...Object.values(Fault.standard), ...Object.values(Fault.hostile)]) {
      assert.isTrue(probability > 0 && probability < 1)
    }
    for (const text of Object.values(Fault.faults)) assert.isTrue(text.endsWith("."))
  })

  it.effect("without faults a whole life goes well, and none is counted", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      const monitor = yield* passing(run(guest))
      yield* passing(monitor.attachVolume(volume("v")))
      yield* passing(monitor.detachVolume(volume("v").id))
      yield* passing(guest.stats)
      yield* passing(guest.probe)
      yield* TestClock.adjust("10 minutes")
      yield* passing(monitor.stop(seconds(10)))
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
      yield* passing(guest.deleteImage)
      assert.deepStrictEqual([host.struck.size, host.violations, host.remains(id)], [0, [], []])
    }))

  it.effect("slowImage: an image takes 5 to 60 seconds longer", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("slowImage")
      isBetween(yield* millisOf(Stream.runDrain(guest.ensureBackingImage)), 5_000, 61_000)
      assert.deepStrictEqual([...host.struck], [["slowImage", 1]])
      // It is there now: nothing is fetched.
      assert.strictEqual(yield* millisOf(Stream.runDrain(guest.ensureBackingImage)), 0)
    }))

  it.effect("failingImage: the fetch fails half-way, and leaves nothing", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("failingImage")
      const progress: Array<number> = []
      const fetch = Stream.runForEach(guest.ensureBackingImage, ({ doneBytes, totalBytes }) =>
        Effect.sync(() => progress.push(doneBytes / (totalBytes ?? 0))))
      assert.strictEqual(yield* reasonOf(fetch), "ImageUnusable")
      assert.deepStrictEqual(progress, [0.25, 0.5])
      assert.deepStrictEqual(host.remains(id), [])
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Absent" })
      host.setFaults(Fault.none)
      yield* passing(fetch)
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "ImageReady" })
    }))

  it.effect("diskFull: neither an image nor a disk can be written, and what is there stays", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("diskFull")
      assert.strictEqual(yield* reasonOf(Stream.runDrain(guest.ensureBackingImage)), "NoSpace")
      assert.deepStrictEqual(host.remains(id), [])
      host.setFaults(Fault.none)
      yield* passing(Stream.runDrain(guest.ensureBackingImage))
      host.setFaults(only("diskFull"))
      assert.strictEqual(yield* reasonOf(guest.createImage(bootWith())), "NoSpace")
      assert.deepStrictEqual(host.remains(id), ["image"])
      host.setFaults(Fault.none)
      yield* passing(guest.createImage(bootWith()))
      host.setFaults(only("diskFull"))
      // A disk that is there is the user's.
      assert.strictEqual(yield* reasonOf(guest.createImage(bootWith())), "NoSpace")
      assert.deepStrictEqual(host.remains(id), ["image", "disk", "seed"])
      assert.strictEqual(host.struck.get("diskFull"), 3)
    }))

  it.effect("failsBeforeSpawn: nothing was launched", () =>
    Effect.gen(function*() {
      const { guest, host, occurrences } = yield* withFaults("failsBeforeSpawn")
      yield* passing(create(guest))
      assert.strictEqual(yield* reasonOf(guest.start(bootWith())), "LaunchFailed")
      assert.isFalse(occurrences.some(({ _tag }) => _tag === "Spawned"))
      assert.deepStrictEqual(host.remains(id), ["image", "disk", "seed"])
    }))

  it.effect("failsAfterSpawn: what was launched is ended again", () =>
    Effect.gen(function*() {
      const { guest, host, occurrences } = yield* withFaults("failsAfterSpawn")
      yield* passing(create(guest))
      assert.strictEqual(yield* reasonOf(guest.start(bootWith())), "LaunchFailed")
      const tags = occurrences.map(({ _tag }) => _tag)
      assert.isTrue(tags.includes("Spawned") && tags.includes("Ended"))
      assert.deepStrictEqual(host.guests, [])
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Created", lastExit: undefined })
    }))

  it.effect("launchHangs: a start fails after 15 seconds, and ends its guest", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("launchHangs")
      yield* passing(create(guest))
      const start = yield* timed(guest.start(bootWith()))
      isBetween(start?.millis, 15_000, 15_300)
      assert.strictEqual(yield* reasonOf(guest.start(bootWith())), "LaunchFailed")
      assert.deepStrictEqual(host.guests, [])
    }))

  it.effect("crashesStarting: a guest ends before it connects", () =>
    Effect.gen(function*() {
      for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
        const { guest, host, occurrences } = yield* make({ seed, faults: only("crashesStarting") })
        yield* passing(create(guest))
        const start = yield* reasonOf(guest.start(bootWith()))
        assert.isTrue(start === "LaunchFailed" || start === "success", start)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(host.guests, [])
        assert.isFalse(occurrences.some(({ _tag }) => _tag === "Connected"))
        assert.strictEqual(host.struck.get("crashesStarting"), 1)
        assert.strictEqual(yield* reasonOf(guest.monitor), "NotRunning")
      }
    }))

  it.effect("attachFails: the status tells whether the guest has the volume all the same", () =>
    Effect.gen(function*() {
      const { host, monitor, occurrences } = yield* running("attachFails")
      const outcomes = new Set<boolean>()
      for (let index = 0; index < 12; index++) {
        const one = volume(`v${index}`)
        assert.strictEqual(yield* reasonOf(monitor.attachVolume(one)), "AttachFailed")
        const has = (yield* passing(monitor.status)).volumes.includes(one.id)
        assert.strictEqual(occurrences.some((it) => it._tag === "Attached" && it.volume === one.id), has)
        outcomes.add(has)
      }
      assert.strictEqual(outcomes.size, 2)
      assert.strictEqual(host.struck.get("attachFails"), 12)
    }))

  it.effect("detachFails: the guest still has the volume", () =>
    Effect.gen(function*() {
      const { host, monitor } = yield* running("detachFails")
      yield* passing(monitor.attachVolume(volume("v")))
      assert.strictEqual(yield* reasonOf(monitor.detachVolume(volume("v").id)), "DetachFailed")
      assert.deepStrictEqual(yield* passing(monitor.status), { paused: false, volumes: [volume("v").id] })
      // What it does not have it can let go of.
      yield* passing(monitor.detachVolume(volume("w").id))
      assert.strictEqual(host.struck.get("detachFails"), 1)
    }))

  it.effect("failingStats, failingProbe, failingDelete: these fail, and change nothing", () =>
    Effect.gen(function*() {
      const { guest, host, monitor } = yield* running("failingStats", "failingProbe", "failingDelete")
      assert.strictEqual(yield* reasonOf(guest.stats), "HostFailure")
      assert.strictEqual(yield* reasonOf(guest.probe), "Unreachable")
      yield* passing(monitor.stop(seconds(10)))
      const before = host.remains(id)
      assert.strictEqual(yield* reasonOf(guest.deleteImage), "HostFailure")
      assert.deepStrictEqual(host.remains(id), before)
      assert.deepStrictEqual([...host.struck.keys()].sort(), ["failingDelete", "failingProbe", "failingStats"])
    }))

  it.effect("interruptedButDone: what was interrupted is done", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("interruptedButDone")
      const interrupted = Effect.fnUntraced(function*<A, E>(effect: Effect.Effect<A, E, Scope.Scope>) {
        const fiber = yield* Effect.forkScoped(effect, { startImmediately: true })
        yield* TestClock.adjust(0)
        yield* Fiber.interrupt(fiber)
      })
      yield* interrupted(Stream.runDrain(guest.ensureBackingImage))
      assert.deepStrictEqual(host.remains(id), ["image"])
      yield* interrupted(guest.createImage(bootWith()))
      assert.deepStrictEqual(host.remains(id), ["image", "disk", "seed"])
      yield* interrupted(guest.start(bootWith()))
      assert.deepStrictEqual(host.guests, [])
      yield* passing(guest.start(bootWith()))
      yield* Effect.scoped(Effect.gen(function*() {
        const monitor = yield* passing(guest.monitor)
        yield* passing(monitor.connected)
        yield* interrupted(monitor.pause)
        assert.isTrue(host.guests[0]?.paused)
        yield* interrupted(monitor.resume)
        assert.isFalse(host.guests[0]?.paused)
        yield* interrupted(monitor.attachVolume(volume("v")))
        assert.deepStrictEqual(host.guests[0]?.volumes, [volume("v").id])
        yield* interrupted(monitor.detachVolume(volume("v").id))
        assert.deepStrictEqual(host.guests[0]?.volumes, [])
      }))
      yield* passing(guest.kill)
      yield* interrupted(guest.deleteImage)
      assert.deepStrictEqual(host.remains(id), [])
      assert.deepStrictEqual([...host.struck], [["interruptedButDone", 7]])
    }))

  it.effect("what makes one fault more likely does not move the others", () =>
    Effect.gen(function*() {
      const outcomes = Effect.fnUntraced(function*(faults: Fault.Faults) {
        const { host } = yield* make({ seed: "s", faults })
        return Array.from({ length: 64 }, () => {
          host.strikes("recordSlow")
          host.strikes("failingStats")
          return host.strikes("recordFails")
        })
      })
      const alone = yield* outcomes({ recordFails: 0.5 })
      assert.deepStrictEqual(yield* outcomes({ recordFails: 0.5, recordSlow: 0.3, failingStats: 1 }), alone)
      assert.isTrue(alone.includes(true) && alone.includes(false))
    }))
})
