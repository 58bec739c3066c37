/**
 * A simulated guest that is paused does nothing, as a real one.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { bootWith, id, make, passing, reasonOf, run, volume } from "./rig.ts"

describe("a simulated guest that is paused", () => {
  it.effect("does not let go of a volume, and does not when it goes on", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({ faults: { interruptedButDone: 1 } })
      const monitor = yield* passing(run(guest, bootWith(volume("v"))))
      yield* passing(monitor.pause)
      const detach = monitor.detachVolume(volume("v").id)
      assert.strictEqual(yield* reasonOf(detach), "DetachFailed")
      yield* Effect.flatMap(Effect.forkChild(detach, { startImmediately: true }), Fiber.interrupt)
      yield* passing(monitor.resume)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(host.guests, [{ id, pid: 1, paused: false, volumes: [volume("v").id] }])
      yield* passing(detach)
      assert.deepStrictEqual((yield* passing(monitor.status)).volumes, [])
    }))

  it.effect("keeps a volume whose attachment is interrupted when it has it already", () =>
    Effect.gen(function*() {
      const { guest } = yield* make({ latencies: { hotplug: [100, 100] } })
      const monitor = yield* passing(run(guest))
      yield* passing(monitor.pause)
      const attach = yield* Effect.forkChild(monitor.attachVolume(volume("v")), { startImmediately: true })
      yield* TestClock.adjust("150 millis")
      yield* Fiber.interrupt(attach)
      assert.deepStrictEqual((yield* passing(monitor.status)).volumes, [volume("v").id])
    }))
})
