/**
 * Every operation, interrupted at any moment: it leaves what was there before, or what it would have left, and can be repeated.
 * And its launcher dying at any moment: what is left then is seen, and swept.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Fence } from "../../../src/backend/simulation/Fence.ts"
import type { SimulatedHost } from "../../../src/backend/simulation/SimulatedHost.ts"
import * as SimulationVirtualizer from "../../../src/backend/simulation/SimulationVirtualizer.ts"
import { Dice } from "../../../src/internal/Dice.ts"
import { Notes } from "../../../src/testing/conformance/Notes.ts"
import type { Guest, Monitor } from "../../../src/Virtualizer.ts"
import type { VirtualizerError } from "../../../src/VirtualizerError.ts"
import { bootWith, create, id, make, otherId, passing, run, seconds, specOf, volume } from "./rig.ts"

interface Subject {
  readonly guest: Guest
  /** Of the guest, where it runs. */
  readonly monitor: Monitor
}

type Operation = (subject: Subject) => Effect.Effect<unknown, VirtualizerError, Scope.Scope>

interface Case {
  readonly name: string
  /** What there is before. */
  readonly given: "nothing" | "image" | "disk" | "guest" | "paused guest" | "guest with volume"
  readonly operation: Operation
  /** How long it may take, in milliseconds. */
  readonly millisMax: number
  /** Only what is there afterwards may differ: not whether it is done. */
  readonly isStrict?: true
}

const cases: ReadonlyArray<Case> = [
  {
    name: "ensureBackingImage",
    given: "nothing",
    operation: ({ guest }) => Stream.runDrain(guest.ensureBackingImage),
    millisMax: 900
  },
  { name: "createImage", given: "image", operation: ({ guest }) => guest.createImage(bootWith()), millisMax: 120 },
  { name: "deleteImage", given: "disk", operation: ({ guest }) => guest.deleteImage, millisMax: 60 },
  {
    name: "start",
    given: "disk",
    operation: ({ guest }) => guest.start(bootWith(volume("v"))),
    millisMax: 220,
    isStrict: true
  },
  { name: "pause", given: "guest", operation: ({ monitor }) => monitor.pause, millisMax: 12 },
  { name: "resume", given: "paused guest", operation: ({ monitor }) => monitor.resume, millisMax: 12 },
  {
    name: "attachVolume",
    given: "guest",
    operation: ({ monitor }) => monitor.attachVolume(volume("v")),
    millisMax: 420
  },
  {
    name: "detachVolume",
    given: "guest with volume",
    operation: ({ monitor }) => monitor.detachVolume(volume("v").id),
    millisMax: 220
  }
]

/** What can be seen of the instance. */
const seen = (host: SimulatedHost) => ({
  remains: host.remains(id),
  guests: host.guests.map(({ paused, volumes }) => ({ paused, volumes }))
})

const prepare = Effect.fnUntraced(function*(guest: Guest, given: Case["given"]) {
  const none: Monitor | undefined = undefined
  if (given === "nothing") return none
  if (given === "image") return yield* Effect.as(passing(Stream.runDrain(guest.ensureBackingImage)), none)
  if (given === "disk") return yield* Effect.as(passing(create(guest)), none)
  const monitor = yield* passing(run(guest, given === "guest with volume" ? bootWith(volume("v")) : bootWith()))
  if (given === "paused guest") yield* passing(monitor.pause)
  return monitor
})

/** A monitor of no use. */
const dead = Effect.scoped(Effect.flatMap(make(), ({ guest }) => passing(run(guest))))

/** A host as it is before the operation, and the operation. What the launcher holds lives in its own scope. */
const begin = Effect.fnUntraced(function*({ given, operation }: Case, seed: string, faults = {}) {
  const rig = yield* make({ seed })
  const launcher = yield* Scope.fork(yield* Effect.scope)
  const prepared = yield* Scope.provide(prepare(rig.guest, given), launcher)
  // Without a guest no case asks for its monitor.
  const monitor = prepared ?? (yield* dead)
  rig.host.setFaults(faults)
  const before = seen(rig.host)
  return { ...rig, before, launcher, operate: Effect.suspend(() => operation({ guest: rig.guest, monitor })) }
})

const rounds = 25

describe("Interruption", () => {
  for (const one of cases) {
    it.effect(`${one.name}, interrupted at any moment, is done or has left no trace, and can be repeated`, () =>
      Effect.gen(function*() {
        const dice = new Dice(one.name)
        const outcomes = new Set<string>()
        for (let round = 0; round < rounds; round++) {
          yield* Effect.scoped(Effect.gen(function*() {
            const seed = `${round}`
            const reference = yield* begin(one, seed)
            yield* passing(reference.operate)
            const after = seen(reference.host)

            const chance = dice.one(0, 0.5)
            const { before, guest, host, operate } = yield* begin(one, seed, { interruptedButDone: chance })
            const fiber = yield* Effect.forkScoped(operate, { startImmediately: true })
            yield* TestClock.adjust(dice.below(one.millisMax))
            const wasOver = fiber.pollUnsafe() !== undefined
            // Returns when the clean-up is done.
            yield* passing(Fiber.interrupt(fiber))
            const left = seen(host)
            const isDone = JSON.stringify(left) === JSON.stringify(after)
            if (wasOver || !isDone) assert.deepStrictEqual(left, wasOver ? after : before)
            if (!wasOver && (one.isStrict === true || chance === 0)) assert.deepStrictEqual(left, before)
            outcomes.add(wasOver ? "over" : isDone ? "done" : "undone")
            // Nothing of it comes later.
            yield* TestClock.adjust("10 minutes")
            assert.deepStrictEqual(seen(host), left)
            if (!wasOver || one.name !== "start") {
              yield* passing(operate)
              assert.deepStrictEqual(seen(host), after)
            }
            assert.deepStrictEqual(host.violations, [])
            yield* passing(guest.kill)
          }))
        }
        assert.isTrue(outcomes.has("undone") && (one.isStrict === true || outcomes.has("done")), [...outcomes].join())
      }))

    it.effect(`${one.name}, whose launcher dies at any moment, goes no further, and a later one can repeat it`, () =>
      Effect.gen(function*() {
        const dice = new Dice(`${one.name} dies`)
        for (let round = 0; round < rounds; round++) {
          yield* Effect.scoped(Effect.gen(function*() {
            const reference = yield* begin(one, `${round}`)
            yield* passing(reference.operate)
            const { fence, host, launcher, operate } = yield* begin(one, `${round}`)
            const fiber = yield* Effect.forkIn(operate, launcher, { startImmediately: true })
            yield* TestClock.adjust(dice.below(one.millisMax))
            const wasOver = fiber.pollUnsafe() !== undefined
            fence.cut()
            host.launcherDied()
            const left = seen(host)
            const exit = yield* passing(Effect.exit(Effect.uninterruptible(Scope.close(launcher, Exit.void))))
            // Its finalizers changed nothing, and did not hang.
            assert.deepStrictEqual(seen(host), left)
            assert.isTrue(Exit.isSuccess(exit) || Exit.hasInterrupts(exit))
            assert.isDefined(fiber.pollUnsafe())
            if (!wasOver) assert.isTrue(fence.refused > 0)

            const guest = yield* SimulationVirtualizer.make(host).make(specOf(), "/instances/x")
            const isThere = (yield* passing(guest.probe))._tag === "Running"
            // The dead one may have launched it.
            if (isThere && one.name === "start") yield* passing(guest.kill)
            const monitor = isThere && one.name !== "start" ? yield* passing(guest.monitor) : yield* dead
            yield* passing(one.operation({ guest, monitor }))
            assert.deepStrictEqual(seen(host), seen(reference.host))
            assert.deepStrictEqual(host.violations, [])
          }))
        }
      }))
  }

  it.effect("what a dead launcher left in half is seen, is no image and no disk, and is swept", () =>
    Effect.gen(function*() {
      const host = yield* Effect.map(make(), ({ host }) => host)
      const launcherDies = Effect.fnUntraced(
        function*(operation: (guest: Guest) => Effect.Effect<unknown, VirtualizerError>) {
          const fence = new Fence()
          const guest = yield* SimulationVirtualizer.make(host, fence).make(specOf(), "/instances/x")
          const fiber = yield* Effect.forkChild(operation(guest), { startImmediately: true })
          yield* TestClock.adjust("4 millis")
          fence.cut()
          host.launcherDied()
          yield* Fiber.interrupt(fiber)
        }
      )
      const guest = yield* SimulationVirtualizer.make(host).make(specOf(), "/instances/x")

      yield* launcherDies((guest) => Stream.runDrain(guest.ensureBackingImage))
      assert.deepStrictEqual(host.remains(id), ["partial image"])
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Absent" })
      yield* passing(guest.deleteImage)
      assert.deepStrictEqual(host.remains(id), [])

      yield* launcherDies((guest) => Stream.runDrain(guest.ensureBackingImage))
      yield* passing(Stream.runDrain(guest.ensureBackingImage))
      assert.deepStrictEqual(host.remains(id), ["image"])

      yield* launcherDies((guest) => guest.createImage(bootWith()))
      assert.deepStrictEqual(host.remains(id), ["image", "partial disk"])
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "ImageReady" })
      const interrupted = yield* Effect.forkScoped(guest.createImage(bootWith()), { startImmediately: true })
      yield* TestClock.adjust("4 millis")
      yield* Fiber.interrupt(interrupted)
      assert.deepStrictEqual(host.remains(id), ["image"])
      yield* passing(guest.createImage(bootWith()))
      assert.deepStrictEqual(yield* passing(guest.probe), { _tag: "Created", lastExit: undefined })
      assert.deepStrictEqual(host.violations, [])
    }))

  it.effect("a start that is interrupted returns when its guest is gone, also one that dies slowly", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make({ faults: { slowKill: 1 } })
      yield* passing(create(guest))
      const fiber = yield* Effect.forkScoped(guest.start(bootWith()), { startImmediately: true })
      while (host.guests.length === 0) yield* TestClock.adjust("1 millis")
      const interruption = yield* Effect.forkScoped(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.isUndefined(interruption.pollUnsafe())
      yield* TestClock.adjust("4 seconds")
      assert.isDefined(interruption.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(host.guests, [])
    }))

  it.effect("a stop that is interrupted leaves its guest asked: it ends later", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      const monitor = yield* passing(run(guest))
      const stop = yield* Effect.forkScoped(monitor.stop(seconds(60)), { startImmediately: true })
      yield* TestClock.adjust("20 millis")
      yield* Fiber.interrupt(stop)
      assert.strictEqual(host.guests.length, 1)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "PoweredOff" } })
    }))

  it.effect("closing the scope of a monitor leaves its guest as it is, to be watched again", () =>
    Effect.gen(function*() {
      const { guest, host } = yield* make()
      const whole = yield* Effect.scope
      const notes = new Notes()
      yield* Effect.scoped(Effect.gen(function*() {
        const monitor = yield* passing(run(guest))
        yield* Scope.provide(monitor.follow(notes), whole)
      }))
      host.holdAtDiskFull(id)
      const monitor = yield* passing(guest.monitor)
      assert.deepStrictEqual(yield* passing(monitor.connected), { paused: true, volumes: [] })
      // Who followed the one before is told nothing of it.
      assert.deepStrictEqual(notes.events, [])
      assert.deepStrictEqual([host.violations, host.remains(otherId)], [[], []])
    }))
})
