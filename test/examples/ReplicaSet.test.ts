/** A control plane, tested on virtual time only: days pass in a second, and every run is the same. */
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Fiber, Layer, Schedule } from "effect"
import { Fault } from "../../src/backend/simulation/index.ts"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import { Launcher } from "../../src/launcher/Launcher.ts"
import { layer, SimulatedNode } from "../../src/testing/SimulatedNode.ts"
import * as VirtualClock from "../../src/testing/VirtualClock.ts"
import * as ReplicaSet from "./ReplicaSet.ts"

const idOf = (number: number) => InstanceId.make(`5e-${number}`)

const specOf = (number: number) =>
  InstanceSpec.make({
    id: idOf(number),
    virtualizer: "simulation",
    memory: ByteSize.mebibytes(64),
    boot: { kind: "image", path: "/images/web.qcow2", format: "qcow2" }
  })

/** A node of its own for each test, on a clock of its own. */
const onNode = (seed: number, faults: Fault.Faults = Fault.none) =>
  Effect.provide(layer({ seed, faults }).pipe(Layer.provideMerge(VirtualClock.layer())), { local: true })

/** The guests of the node, by the ids of their instances. */
const guests = Effect.map(SimulatedNode, ({ host }) => host.guests.toSorted((a, b) => a.id < b.id ? -1 : 1))
const ids = Effect.map(guests, (guests) => guests.map(({ id }) => id))

describe("a control plane that keeps replicas", () => {
  it.effect("replaces the one that crashes, and the one that somebody deletes, and no other", () =>
    Effect.gen(function*() {
      const { host } = yield* SimulatedNode
      const launcher = yield* Launcher
      const replicas = yield* ReplicaSet.make(specOf)
      yield* replicas.scale(3)
      yield* VirtualClock.adjust("1 minute")
      const before = yield* guests
      host.panic(idOf(1))
      yield* Effect.forkChild(launcher.delete(idOf(2)))
      yield* VirtualClock.adjust("1 minute")
      const after = yield* guests
      assert.deepStrictEqual(after.map(({ id }) => id), [0, 1, 2].map(idOf))
      assert.deepStrictEqual(after.map(({ pid }, index) => pid === before[index].pid), [true, false, false])
    }).pipe(onNode(1)))

  it.effect("has more or fewer when it is asked to, also in the middle of a start", () =>
    Effect.gen(function*() {
      const { host } = yield* SimulatedNode
      const replicas = yield* ReplicaSet.make(specOf)
      for (const [count, wait] of [[2, "1 minute"], [8, 700], [1, "1 minute"], [5, "1 minute"]] as const) {
        yield* Effect.forkChild(replicas.scale(count))
        yield* VirtualClock.adjust(wait)
      }
      assert.deepStrictEqual(yield* ids, [0, 1, 2, 3, 4].map(idOf))
      yield* Effect.forkChild(replicas.scale(0))
      yield* VirtualClock.adjust("1 minute")
      assert.deepStrictEqual([0, 1, 2, 3, 4, 5, 6, 7].flatMap((number) => host.remains(idOf(number))), [])
    }).pipe(onNode(2)))

  it.effect("asks once a minute and no more while nothing can be started", () =>
    Effect.gen(function*() {
      const { host } = yield* SimulatedNode
      const failures = () => host.struck.get("failsBeforeSpawn") ?? 0
      const replicas = yield* ReplicaSet.make(specOf)
      yield* replicas.scale(1)
      yield* VirtualClock.adjust("1 hour")
      const before = failures()
      yield* VirtualClock.adjust("1 hour")
      assert.isTrue(failures() - before > 50 && failures() - before <= 60)
      host.setFaults(Fault.none)
      yield* VirtualClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* ids, [idOf(0)])
      // What failed was replaced by a new one.
      assert.strictEqual((yield* (yield* Launcher).get(idOf(0))).starts, 1)
    }).pipe(onNode(3, { failsBeforeSpawn: 1 })))

  it.effect.each([4, 5, 6])(
    "has all of them after a day on a bad host that loses its launcher, seed %i",
    (seed) =>
      Effect.gen(function*() {
        const { crash, host, open } = yield* SimulatedNode
        const panic = Effect.sync(() => host.panic(idOf(0)))
        yield* Effect.forkChild(Effect.repeat(panic, Schedule.spaced("17 minutes")))
        const keep = Effect.flatMap(ReplicaSet.make(specOf), ({ scale }) => scale(3))
        yield* Effect.scoped(Effect.andThen(keep, VirtualClock.adjust("12 hours")))
        yield* crash
        // The next control plane, on the next launcher, goes on with what it finds.
        const opening = yield* Effect.forkChild(open())
        yield* VirtualClock.adjust("1 minute")
        yield* Effect.provideService(keep, Launcher, yield* Fiber.join(opening))
        yield* VirtualClock.adjust("12 hours")
        host.setFaults(Fault.none)
        yield* VirtualClock.adjust("1 hour")
        assert.deepStrictEqual(yield* ids, [0, 1, 2].map(idOf))
        assert.deepStrictEqual(host.violations, [])
      }).pipe(onNode(seed, Fault.standard))
  )
})
