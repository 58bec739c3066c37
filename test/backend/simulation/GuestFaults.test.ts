/**
 * Each fault of a guest strikes for certain, alone: it does what its description says, when it says so, and nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Fault from "../../../src/backend/simulation/Fault.ts"
import type { Monitor } from "../../../src/Virtualizer.ts"
import {
  id,
  isBetween,
  launch,
  make,
  millisOf,
  only,
  passing,
  reasonOf,
  run,
  running,
  seconds,
  timed,
  withFaults
} from "./rig.ts"

/** How a monitor ends. */
const endOf = (monitor: Monitor) => passing(monitor.ended)

describe("Fault of a guest", () => {
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
})
