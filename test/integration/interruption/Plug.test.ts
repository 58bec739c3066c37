/**
 * Volumes of real guests, held while they are attached or detached, and what comes then: a stop, a delete, the end of the
 * launcher, its opposite, or a caller that goes.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as Gate from "../../host/Gate.ts"
import * as HeldNode from "./HeldNode.ts"
import { attachPhases, detachPhases } from "./plugPhases.ts"

const { beside, codeOf, id, quickly } = HeldNode

/** A guest that does not answer is given up soon, or each of these tests would wait for it several times. */
const brief = { commandDeadline: Duration.seconds(1), killDeadline: Duration.seconds(1) }

/** Whether the gate is opened once what comes then has been asked for, so that the guest answers again. */
const variants = [
  { and: "and the guest stays silent", answering: false, phases: attachPhases },
  {
    and: "and the guest goes on",
    answering: true,
    phases: attachPhases.slice(0, -1).filter((_, index) => index % 2 === 0)
  }
]

/** Waits until the guest has the volume's file locked: it has it. */
const untilAttached = (node: HeldNode.HeldNode) =>
  Effect.repeat(node.inventory, { until: ({ locks }) => locks.some((path) => path.endsWith("data.raw")) }).pipe(
    (has) => Gate.within("the guest does not have the volume", has)
  )

describe("attaching a volume to a real guest", () => {
  for (const { and, answering, phases } of variants) {
    it.live(`ends with a stop, ${and}: the volume is free, and the instance starts again without it`, () =>
      Effect.gen(function*() {
        const node = yield* HeldNode.make(brief)
        const { launcher } = yield* node.open
        const before = yield* node.inventory
        for (const phase of phases) {
          yield* launcher.start(node.spec)
          const gate = yield* phase.hold(node)
          const attach = yield* beside(codeOf(launcher.attach(id, node.volume)))
          yield* gate.reached
          const stop = yield* beside(quickly(phase.name, launcher.stop(id)))
          if (answering) yield* gate.open
          yield* Fiber.join(stop)
          assert.strictEqual(yield* Fiber.join(attach), "superseded", phase.name)
          const stopped = yield* node.inventory
          assert.deepStrictEqual([stopped.processes, stopped.locks], [before.processes, before.locks], phase.name)
          assert.deepStrictEqual((yield* launcher.get(id)).volumes, [], phase.name)
          yield* gate.open
          assert.deepStrictEqual((yield* launcher.start(node.spec)).volumes, [], phase.name)
          yield* launcher.attach(id, node.volume)
          yield* untilAttached(node)
          yield* launcher.delete(id)
          assert.deepStrictEqual(yield* node.inventory, before, phase.name)
        }
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

    it.live(`ends with a delete, ${and}: nothing is left, and another instance can have the volume`, () =>
      Effect.gen(function*() {
        const node = yield* HeldNode.make(brief)
        const { launcher } = yield* node.open
        const before = yield* node.inventory
        for (const phase of phases.slice(-2)) {
          yield* launcher.start(node.spec)
          const gate = yield* phase.hold(node)
          const attach = yield* beside(codeOf(launcher.attach(id, node.volume)))
          yield* gate.reached
          const remove = yield* beside(quickly(phase.name, launcher.delete(id)))
          if (answering) yield* gate.open
          yield* Fiber.join(remove)
          assert.strictEqual(yield* Fiber.join(attach), "superseded", phase.name)
          assert.deepStrictEqual(yield* node.inventory, before, phase.name)
          yield* gate.open
        }
        const other = { ...node.spec, id: HeldNode.otherId, volumes: [node.volume] }
        assert.strictEqual((yield* launcher.start(other)).state._tag, "Running")
        yield* launcher.delete(other.id)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
  }

  it.live("is cut short by the end of its launcher, which leaves the guest, and the next launcher finishes it", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make(brief)
      yield* Effect.flatMap(node.open, ({ close }) => close)
      const before = yield* node.inventory
      for (const phase of attachPhases.slice(-3)) {
        const first = yield* node.open
        yield* first.launcher.start(node.spec)
        const pids = yield* node.pids
        const gate = yield* phase.hold(node)
        const attach = yield* beside(codeOf(first.launcher.attach(id, node.volume)))
        yield* gate.reached
        yield* quickly(phase.name, first.close)
        assert.strictEqual(yield* Fiber.join(attach), "launcher_closed", phase.name)
        assert.lengthOf((yield* node.inventory).processes, 1, phase.name)
        yield* gate.open

        const next = yield* node.open
        yield* HeldNode.untilState(next.launcher, "Running")
        yield* untilAttached(node)
        assert.deepStrictEqual((yield* next.launcher.get(id)).volumes, [node.volume], phase.name)
        assert.deepStrictEqual(yield* node.pids, pids, phase.name)
        yield* next.launcher.delete(id)
        yield* next.close
        assert.deepStrictEqual(yield* node.inventory, before, phase.name)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("goes on when its caller goes, and is undone when the volume is detached meanwhile", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make()
      const { launcher } = yield* node.open
      const before = yield* node.inventory
      yield* launcher.start(node.spec)
      const [beforePlug, ...plugging] = attachPhases
      for (const phase of [beforePlug, ...plugging.slice(0, 2)]) {
        const gate = yield* phase.hold(node)
        const attach = yield* beside(codeOf(launcher.attach(id, node.volume)))
        yield* gate.reached
        const detach = yield* beside(quickly(phase.name, launcher.detach(id, node.volume.id)))
        // From then on the attaching is not wanted. Before, the guest could still get the volume, and not let go of it.
        yield* Effect.repeat(launcher.get(id), { until: ({ volumes }) => volumes.length === 0 })
        yield* HeldNode.turns
        yield* gate.open
        yield* Fiber.join(detach)
        assert.strictEqual(yield* Fiber.join(attach), "superseded", phase.name)
        assert.deepStrictEqual((yield* launcher.get(id)).volumes, [], phase.name)
        assert.notInclude((yield* node.inventory).locks.join(), "data.raw", phase.name)
      }
      const gate = yield* beforePlug.hold(node)
      const attach = yield* beside(launcher.attach(id, node.volume))
      yield* gate.reached
      yield* quickly("the caller's end", Fiber.interrupt(attach))
      yield* gate.open
      yield* untilAttached(node)
      yield* launcher.delete(id)
      assert.deepStrictEqual(yield* node.inventory, before)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})

describe("detaching a volume from a real guest, which does not let go of it", () => {
  it.live("ends with a stop, and the instance has the volume at its next start; or with a delete, and nothing is left", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make(brief)
      const { launcher } = yield* node.open
      const before = yield* node.inventory
      const spec = { ...node.spec, volumes: [node.volume] }
      for (const phase of detachPhases) {
        yield* launcher.start(spec)
        const gate = yield* phase.hold(node)
        const detach = yield* beside(codeOf(launcher.detach(id, node.volume.id)))
        yield* gate.reached
        yield* quickly(phase.name, launcher.stop(id))
        assert.strictEqual(yield* Fiber.join(detach), "superseded", phase.name)
        assert.deepStrictEqual((yield* launcher.get(id)).volumes, [node.volume], phase.name)
        yield* gate.open

        yield* launcher.start(spec)
        yield* untilAttached(node)
        const again = yield* phase.hold(node)
        const another = yield* beside(codeOf(launcher.detach(id, node.volume.id)))
        yield* again.reached
        yield* quickly(phase.name, launcher.delete(id))
        assert.strictEqual(yield* Fiber.join(another), "superseded", phase.name)
        assert.deepStrictEqual(yield* node.inventory, before, phase.name)
        yield* again.open
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("stays wanted when its caller goes, and when its launcher ends, until the instance is stopped", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make(brief)
      const spec = { ...node.spec, volumes: [node.volume] }
      for (const phase of detachPhases) {
        const first = yield* node.open
        yield* first.launcher.start(spec)
        const gate = yield* phase.hold(node)
        const detach = yield* beside(first.launcher.detach(id, node.volume.id))
        yield* gate.reached
        yield* quickly(phase.name, Fiber.interrupt(detach))
        assert.deepStrictEqual((yield* first.launcher.get(id)).volumes, [], phase.name)
        yield* quickly(phase.name, first.close)
        assert.lengthOf((yield* node.inventory).processes, 1, phase.name)
        yield* gate.open

        const next = yield* node.open
        yield* HeldNode.untilState(next.launcher, "Running")
        yield* quickly(phase.name, next.launcher.stop(id))
        assert.deepStrictEqual((yield* next.launcher.start(spec)).volumes, [], phase.name)
        assert.notInclude((yield* node.inventory).locks.join(), "data.raw", phase.name)
        yield* next.launcher.delete(id)
        yield* next.close
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
