/**
 * Each fault strikes for certain, alone: it does what its description says, when it says so, and nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Fault from "../../../src/backend/simulation/Fault.ts"
import type { Monitor } from "../../../src/Virtualizer.ts"
import { bootWith, create, id, launch, make, only, passing, reasonOf, run, seconds, timed, volume } from "./rig.ts"

const isBetween = (value: number | undefined, least: number, most: number): void => {
  assert.isTrue(value !== undefined && value >= least && value <= most, `${value} is not between ${least} and ${most}`)
}

/** How long after now something ends. */
const millisOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(timed(effect), (timed) => timed?.millis)

const withFaults = (...faults: ReadonlyArray<Fault.Fault>) => make({ faults: only(...faults) })

/** A guest that runs, without faults until now. */
const running = Effect.fnUntraced(function*(...faults: ReadonlyArray<Fault.Fault>) {
  const rig = yield* make()
  const monitor = yield* passing(run(rig.guest))
  rig.host.setFaults(only(...faults))
  return { ...rig, monitor }
})

/** What it takes until a monitor ends, and how. */
const endOf = (monitor: Monitor) => passing(monitor.ended)

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

  it.effect("neverConnects: only SIGKILL ends such a guest", () =>
    Effect.gen(function*() {
      const { guest } = yield* withFaults("neverConnects")
      const monitor = yield* passing(launch(guest))
      assert.strictEqual(yield* timed(monitor.connected), undefined)
      assert.strictEqual(yield* reasonOf(monitor.status), "Unreachable")
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Running" })
      yield* passing(monitor.stop(seconds(3)))
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Killed", signal: "SIGKILL" } })
    }))

  it.effect("connectsLate: a guest takes 5 to 40 seconds longer", () =>
    Effect.gen(function*() {
      const { guest } = yield* withFaults("connectsLate")
      const monitor = yield* passing(launch(guest))
      isBetween(yield* millisOf(monitor.connected), 4_800, 40_600)
      assert.deepStrictEqual(yield* passing(monitor.status), { paused: false, volumes: [] })
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

  it.effect("crashesRunning: a guest ends by itself 1 to 60 seconds after it connected", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("crashesRunning")
      const monitor = yield* passing(run(guest))
      const ended = yield* timed(monitor.ended)
      isBetween(ended?.millis, 900, 60_000)
      const lastExit = yield* passing(guest.probe)
      const end = yield* endOf(monitor)
      assert.isTrue(end._tag === "Exited" && lastExit._tag === "Created")
      assert.deepStrictEqual(lastExit, { _tag: "Created", lastExit: end._tag === "Exited" ? end.status : undefined })
      assert.deepStrictEqual([...host.struck], [["crashesRunning", 1]])
    }))

  it.effect("a fault that is about to strike does not, once there is no such fault any more", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("crashesRunning", "losesControl", "freezes")
      const monitor = yield* passing(run(guest))
      host.setFaults(Fault.none)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* passing(monitor.status), { paused: false, volumes: [] })
      assert.strictEqual(host.struck.size, 0)
    }))

  it.effect("crashesStopping: a guest that is asked to end crashes", () =>
    Effect.gen(function*() {
      const { guest, host, monitor } = yield* running("crashesStopping")
      yield* passing(monitor.stop(seconds(10)))
      const end = yield* endOf(monitor)
      assert.isTrue(end._tag === "Exited" && end.status._tag !== "PoweredOff" && end.status._tag !== "Quit")
      assert.strictEqual(host.struck.get("crashesStopping"), 1)
      assert.strictEqual((yield* passing(guest.probe))._tag, "Created")
    }))

  it.effect("losesControl: the monitor is lost within 30 seconds, and the guest lives", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* withFaults("losesControl")
      yield* Effect.scoped(Effect.gen(function*() {
        const monitor = yield* passing(run(guest))
        const ended = yield* timed(monitor.ended)
        isBetween(ended?.millis, 400, 30_000)
        assert.strictEqual((yield* endOf(monitor))._tag, "Lost")
        assert.strictEqual(yield* reasonOf(monitor.status), "Unreachable")
      }))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* reasonOf(guest.monitor), "Unreachable")
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Running" })
      host.restore(id)
      const monitor = yield* passing(guest.monitor)
      assert.deepStrictEqual(yield* passing(monitor.connected), { paused: false, volumes: [] })
      assert.deepStrictEqual([host.violations, [...host.struck]], [[], [["losesControl", 1]]])
    }))

  it.effect("controlReturns: a control channel that broke works again within 30 seconds", () =>
    Effect.gen(function*() {
      const { guest, host, occurrences } = yield* withFaults("losesControl", "controlReturns")
      yield* Effect.scoped(Effect.flatMap(passing(run(guest)), endOf))
      host.setFaults(Fault.none)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* reasonOf(guest.monitor), "Unreachable")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(occurrences.at(-1)?._tag, "Restored")
      yield* Effect.flatMap(passing(guest.monitor), (monitor) => passing(monitor.connected))
    }))

  it.effect("ignoresPowerButton: quit ends the guest when the grace is over", () =>
    Effect.gen(function*() {
      const { host, monitor } = yield* running("ignoresPowerButton")
      isBetween(yield* millisOf(monitor.stop(seconds(7))), 7_000, 7_300)
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Quit" } })
      // It was pressed several times, and is one guest.
      assert.deepStrictEqual([...host.struck], [["ignoresPowerButton", 1]])
    }))

  it.effect("ignoresQuit: SIGKILL ends the guest five seconds later", () =>
    Effect.gen(function*() {
      const { host, monitor } = yield* running("ignoresPowerButton", "ignoresQuit")
      isBetween(yield* millisOf(monitor.stop(seconds(3))), 8_000, 8_300)
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Killed", signal: "SIGKILL" } })
      assert.strictEqual(host.struck.get("ignoresQuit"), 1)
    }))

  it.effect("freezes: the guest answers nothing and outlives all but SIGKILL, until it is thawed", () =>
    Effect.gen(function*() {
      const { guest, host, occurrences } = yield* withFaults("freezes")
      yield* Effect.scoped(Effect.gen(function*() {
        const monitor = yield* passing(run(guest))
        yield* TestClock.adjust("30 seconds")
        assert.isTrue(occurrences.some(({ _tag }) => _tag === "Frozen"))
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* endOf(monitor))._tag, "Lost")
      }))
      isBetween(yield* millisOf(guest.monitor), 5_000, 5_100)
      assert.strictEqual(yield* reasonOf(guest.monitor), "Unreachable")
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Running" })
      host.setFaults(Fault.none)
      // Who waits for an answer gets it when the guest goes on.
      const waiting = yield* Effect.forkScoped(guest.monitor, { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      host.thaw(id)
      const monitor = yield* passing(Fiber.join(waiting))
      yield* passing(monitor.pause)
      host.freeze(id)
      const paused = yield* Effect.forkScoped(monitor.resume, { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      host.thaw(id)
      yield* passing(Fiber.join(paused))
      host.freeze(id)
      const killed = yield* timed(monitor.stop(seconds(3)))
      isBetween(killed?.millis, 10_000, 15_500)
      assert.deepStrictEqual(host.guests, [])
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

  it.effect("slowKill: a guest takes 2 to 10 seconds to die, and who waits gives up after five", () =>
    Effect.gen(function*() {
      const outcomes = new Set<string>()
      for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
        const { guest, host } = yield* make({ seed, faults: only("slowKill") })
        yield* passing(run(guest))
        const kill = yield* timed(guest.kill)
        isBetween(kill?.millis, 2_000, 5_000)
        const isThere = host.guests.length === 1
        outcomes.add(isThere ? "StillAlive" : "gone")
        if (isThere) assert.strictEqual(kill?.millis, 5_000)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(host.guests, [])
        assert.strictEqual(host.struck.get("slowKill"), 1)
      }
      assert.deepStrictEqual([...outcomes].sort(), ["StillAlive", "gone"])
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
