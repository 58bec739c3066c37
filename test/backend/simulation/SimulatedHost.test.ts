/**
 * The simulated host as a test sees it: what happens to guests from outside, what is told, and what is held against virtualizers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { standard } from "../../../src/backend/simulation/Fault.ts"
import { Fence } from "../../../src/backend/simulation/Fence.ts"
import * as SimulationVirtualizer from "../../../src/backend/simulation/SimulationVirtualizer.ts"
import { Notes } from "../../../src/testing/conformance/Notes.ts"
import { bootWith, create, id, make, otherId, passing, reasonOf, run, seconds, specOf, timed, volume } from "./rig.ts"

/** A life in which much is asked for, and what came of it. */
const life = Effect.fnUntraced(function*(seed: string) {
  const { guest, host, occurrences } = yield* make({ seed, faults: standard })
  const answers: Array<string> = []
  for (let round = 0; round < 6; round++) {
    answers.push(yield* reasonOf(create(guest)))
    answers.push(yield* reasonOf(guest.start(bootWith())))
    yield* Effect.scoped(Effect.gen(function*() {
      const watched = yield* timed(Effect.exit(guest.monitor))
      if (watched?.exit._tag !== "Success" || watched.exit.value._tag !== "Success") return
      const monitor = watched.exit.value.value
      answers.push(yield* reasonOf(monitor.attachVolume(volume("v"))))
      answers.push(yield* reasonOf(monitor.pause))
      yield* TestClock.adjust("20 seconds")
      answers.push(yield* reasonOf(monitor.stop(seconds(5))))
    }))
    answers.push(yield* reasonOf(guest.kill), yield* reasonOf(guest.deleteImage))
  }
  return JSON.stringify([occurrences, answers, [...host.struck]])
})

describe("SimulatedHost", () => {
  it.effect("the same seed gives the same run, and others give others", () =>
    Effect.gen(function*() {
      const runs = yield* Effect.forEach(["a", "b", "c", "a", "b", "c"], (seed) => Effect.scoped(life(seed)))
      assert.deepStrictEqual(runs.slice(0, 3), runs.slice(3))
      assert.strictEqual(new Set(runs).size, 3)
    }))

  it.effect("faults that do not exist, and probabilities that are none, are refused", () =>
    Effect.gen(function*() {
      const { host } = yield* make({ faults: { slowImage: 0.5 } })
      const misspelt = { freezes: 0.1, slowImages: 0.5 }
      assert.throws(() => host.setFaults(misspelt), /there is no fault slowImages: there are slowImage, /)
      for (const probability of [-0.1, 7, Number.NaN]) {
        assert.throws(() => host.setFaults({ freezes: probability }), `the probability of freezes is ${probability}`)
      }
      assert.deepStrictEqual(host.faults, { slowImage: 0.5 })
    }))

  it.effect("an end that nobody watched is told by the probe", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      const ends = [
        [() => host.powerOff(id), { _tag: "PoweredOff" }],
        [() => host.panic(id), { _tag: "Panicked" }],
        [() => host.crash(id, { _tag: "Killed", signal: "SIGSEGV" }), { _tag: "Killed", signal: "SIGSEGV" }]
      ] as const
      for (const [end, status] of ends) {
        yield* Effect.scoped(passing(run(guest)))
        end()
        assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Created", lastExit: status })
        assert.strictEqual(yield* reasonOf(guest.monitor), "NotRunning")
        assert.strictEqual(yield* reasonOf(guest.stats), "NotRunning")
      }
      yield* passing(guest.start(bootWith()))
      yield* passing(guest.kill)
      const killed = { _tag: "Created", lastExit: { _tag: "Killed", signal: "SIGKILL" } } as const
      assert.deepStrictEqual(yield* passing(guest.probe), killed)
    }))

  it.effect("what happens to a guest is told to its monitor and to observers, in the very act", () =>
    Effect.gen(function*() {
      const { guest, host, occurrences } = yield* make()
      const monitor = yield* passing(run(guest))
      const notes = new Notes()
      yield* monitor.follow(notes)
      occurrences.length = 0
      host.reboot(id)
      host.holdAtDiskFull(id)
      assert.deepStrictEqual(host.guests, [{ id, pid: 1, paused: true, volumes: [] }])
      assert.deepStrictEqual(occurrences, [{ _tag: "Rebooted", id, pid: 1 }, { _tag: "Paused", id, pid: 1 }])
      yield* passing(monitor.resume)
      yield* passing(monitor.resume)
      host.panic(id)
      assert.deepStrictEqual(occurrences.at(-1), { _tag: "Ended", id, pid: 1, status: { _tag: "Panicked" } })
      assert.deepStrictEqual(
        notes.events.map(({ _tag }) => _tag),
        ["Rebooted", "Paused", "Resumed"]
      )
      assert.deepStrictEqual(notes.ends, [{ _tag: "Exited", status: { _tag: "Panicked" } }])
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Panicked" } })
      assert.strictEqual(yield* reasonOf(monitor.status), "NotRunning")
    }))

  it.effect("a monitor is lost once: what its guest does afterwards is for the next one", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      const lost = yield* passing(run(guest))
      host.sever(id)
      assert.strictEqual((yield* passing(lost.ended))._tag, "Lost")
      host.restore(id)
      assert.strictEqual(yield* reasonOf(lost.status), "Unreachable")
      const monitor = yield* passing(guest.monitor)
      yield* passing(monitor.connected)
      host.powerOff(id)
      assert.strictEqual((yield* passing(lost.ended))._tag, "Lost")
      assert.strictEqual((yield* passing(monitor.ended))._tag, "Exited")
      assert.deepStrictEqual(host.violations, [])
    }))

  it.effect("nothing happens to a guest that is not there", () =>
    Effect.gen(function*() {
      const { host, occurrences } = yield* make()
      for (
        const act of ["powerOff", "panic", "reboot", "sever", "restore", "freeze", "thaw", "holdAtDiskFull"] as const
      ) {
        host[act](id)
      }
      host.crash(id, { _tag: "Unknown" })
      assert.deepStrictEqual([occurrences, host.guests, host.remains(id)], [[], [], []])
    }))

  it.effect("what a virtualizer may never be asked is recorded, refused where QEMU refuses it, and never thrown", () =>
    Effect.gen(function*() {
      const { guest, guestOf, host, occurrences } = yield* make()
      const violations = Effect.fnUntraced(
        function*<A, E, R>(expected: string | undefined, effect: Effect.Effect<A, E, R>) {
          const before = host.violations.length
          yield* effect
          const found = host.violations.slice(before)
          assert.strictEqual(found.length, expected === undefined ? 0 : 1, found.join())
          if (expected !== undefined) assert.include(found[0], expected)
        }
      )
      const refused = <A, E, R>(reason: string, effect: Effect.Effect<A, E, R>) =>
        Effect.map(reasonOf(effect), (tag) => assert.strictEqual(tag, reason))

      yield* violations("without a disk", refused("ImageUnusable", guest.start(bootWith())))
      yield* violations(undefined, passing(create(guest)))
      yield* violations(undefined, passing(guest.start(bootWith(volume("v"), volume("r", true)))))
      yield* violations("second guest", refused("LaunchFailed", guest.start(bootWith())))
      const monitor = yield* passing(guest.monitor)
      yield* violations("second monitor", refused("Unreachable", Effect.scoped(guest.monitor)))
      yield* violations(undefined, passing(monitor.connected))

      const other = yield* guestOf(specOf({ id: otherId }))
      yield* passing(create(other))
      yield* violations("in use", refused("LaunchFailed", other.start(bootWith(volume("v")))))
      yield* violations("in use", refused("LaunchFailed", other.start(bootWith(volume("v", true)))))
      yield* violations(undefined, passing(other.start(bootWith(volume("r", true)))))
      const otherMonitor = yield* passing(other.monitor)
      yield* violations("in use", refused("AttachFailed", otherMonitor.attachVolume(volume("v"))))
      yield* violations(undefined, passing(monitor.detachVolume(volume("v").id)))
      yield* violations(undefined, passing(otherMonitor.attachVolume(volume("v"))))

      yield* violations(undefined, passing(Effect.all([guest.stats, guest.stats, guest.probe], { concurrency: 3 })))
      yield* violations("during probe", passing(Effect.all([guest.probe, guest.kill], { concurrency: 2 })))
      yield* violations("deleted under its guest", passing(other.deleteImage))
      assert.deepStrictEqual(host.remains(otherId), ["guest", "control socket"])
      assert.strictEqual(occurrences.filter(({ _tag }) => _tag === "Violation").length, host.violations.length)
    }))

  it.effect("a launcher that died has no monitor and no operation any more", () =>
    Effect.gen(function*() {
      const { fence, guest, host } = yield* make()
      const monitor = yield* passing(run(guest))
      const ended = yield* Effect.forkScoped(monitor.ended, { startImmediately: true })
      const probe = yield* Effect.forkScoped(guest.probe, { startImmediately: true })
      fence.cut()
      host.launcherDied()
      const next = new Fence()
      const nextGuest = yield* SimulationVirtualizer.make(host, next).make(specOf(), "/instances/x")
      const nextMonitor = yield* passing(nextGuest.monitor)
      yield* passing(nextMonitor.connected)
      host.powerOff(id)
      assert.strictEqual((yield* passing(nextMonitor.ended))._tag, "Exited")
      yield* TestClock.adjust("1 minute")
      // The dead one is told nothing.
      assert.isUndefined(ended.pollUnsafe())
      assert.strictEqual(yield* reasonOf(Fiber.join(probe)), "interruption")
      assert.strictEqual(yield* reasonOf(monitor.status), "interruption")
      assert.deepStrictEqual(host.violations, [])
      assert.strictEqual(next.refused, 0)
    }))

  it.effect("a monitor whose launcher died is told nothing, from the very act on", () =>
    Effect.gen(function*() {
      const { fence, guest, host } = yield* make()
      const monitor = yield* passing(run(guest))
      const ended = yield* Effect.forkScoped(monitor.ended, { startImmediately: true })
      const notes = new Notes()
      yield* monitor.follow(notes)
      fence.cut()
      host.reboot(id)
      host.powerOff(id)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([ended.pollUnsafe(), notes.events, notes.ends], [undefined, [], []])
    }))

  it.effect("a guest that is cut off while it gets a volume keeps it, and what is interrupted then is not done", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({
        faults: { interruptedButDone: 1 },
        latencies: { hotplug: [100, 100], command: [100, 100] }
      })
      const monitor = yield* passing(run(guest))
      const attach = yield* Effect.forkScoped(Effect.exit(monitor.attachVolume(volume("v"))), {
        startImmediately: true
      })
      yield* TestClock.adjust("150 millis")
      const pause = yield* Effect.forkScoped(monitor.pause, { startImmediately: true })
      host.sever(id)
      yield* Fiber.interrupt(pause)
      assert.strictEqual(yield* reasonOf(Effect.flatten(Fiber.join(attach))), "Unreachable")
      assert.deepStrictEqual(host.guests, [{ id, pid: 1, paused: false, volumes: [volume("v").id] }])
    }))
})
