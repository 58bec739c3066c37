/**
 * Starts of real guests, held in each phase and then taken back, overtaken, or cut short by the end of their launcher.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as HeldNode from "./HeldNode.ts"
import { startPhases } from "./startPhases.ts"

const { beside, codeOf, id, quickly } = HeldNode

describe("a start of a real guest", () => {
  it.live("that is interrupted leaves nothing, wherever it was, and the same id starts again", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make()
      const { launcher } = yield* node.open
      const before = yield* node.inventory
      for (const phase of startPhases) {
        const gate = yield* phase.hold(node)
        const start = yield* beside(launcher.start(node.spec))
        yield* gate.reached
        yield* quickly(phase.name, Fiber.interrupt(start))
        assert.deepStrictEqual(yield* node.inventory, before, phase.name)
        assert.deepStrictEqual(yield* launcher.list, [], phase.name)
        yield* gate.open
        assert.strictEqual((yield* launcher.start(node.spec)).state._tag, "Running", phase.name)
        yield* launcher.delete(id)
        assert.deepStrictEqual(yield* node.inventory, before, `${phase.name}, and deleted`)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("of an instance that was stopped leaves it stopped when it is interrupted, with all that it had, and it starts again", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make()
      const { launcher } = yield* node.open
      yield* launcher.start(node.spec)
      yield* launcher.stop(id)
      const before = yield* node.inventory
      for (const phase of startPhases.filter(({ stage }) => stage !== "prepare")) {
        const gate = yield* phase.hold(node)
        const start = yield* beside(launcher.start(node.spec))
        yield* gate.reached
        yield* quickly(phase.name, Fiber.interrupt(start))
        const after = yield* node.inventory
        assert.deepStrictEqual(
          { ...after, files: settled(after.files) },
          { ...before, files: settled(before.files) },
          phase.name
        )
        assert.strictEqual((yield* launcher.get(id)).state._tag, "Stopped", phase.name)
        yield* gate.open
      }
      assert.strictEqual((yield* launcher.start(node.spec)).state._tag, "Running")
      yield* launcher.delete(id)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("that is deleted meanwhile is told so, and leaves nothing, wherever it was", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make()
      const { launcher } = yield* node.open
      const before = yield* node.inventory
      for (const phase of startPhases) {
        const gate = yield* phase.hold(node)
        const start = yield* beside(codeOf(launcher.start(node.spec)))
        yield* gate.reached
        yield* quickly(phase.name, launcher.delete(id))
        assert.deepStrictEqual(yield* node.inventory, before, phase.name)
        assert.strictEqual(yield* Fiber.join(start), "superseded", phase.name)
        assert.deepStrictEqual(yield* launcher.list, [], phase.name)
        yield* gate.open
      }
      assert.strictEqual((yield* launcher.start(node.spec)).state._tag, "Running")
      yield* launcher.delete(id)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("is cut short by the end of its launcher without a trace of what it was doing, and the next launcher finishes it", () =>
    Effect.gen(function*() {
      const node = yield* HeldNode.make()
      yield* Effect.flatMap(node.open, ({ close }) => close)
      const before = yield* node.inventory
      for (const phase of startPhases) {
        const gate = yield* phase.hold(node)
        const first = yield* node.open
        const start = yield* beside(codeOf(first.launcher.start(node.spec)))
        yield* gate.reached
        yield* quickly(phase.name, first.close)
        assert.strictEqual(yield* Fiber.join(start), "launcher_closed", phase.name)
        const between = yield* node.inventory
        if (phase.stage === "prepare") {
          // The record, and the instance's directory, in which there is nothing.
          const files = between.files.filter((path) => !new RegExp(`/(records/${id}.json|instances/${id})$`).test(path))
          assert.deepStrictEqual({ ...between, files }, before, phase.name)
        } else if (phase.stage === "launch") {
          const runs = between.files.filter((path) => /\.(sock|pid|partial)$/.test(path))
          const { locks, processes, sockets } = between
          assert.deepStrictEqual({ runs, locks, processes, sockets }, {
            runs: [],
            locks: [],
            processes: [],
            sockets: []
          }, phase.name)
        } else {
          assert.lengthOf(between.processes, 1, phase.name)
          assert.lengthOf(yield* node.pids, 1, phase.name)
        }
        yield* gate.open

        const next = yield* node.open
        yield* HeldNode.untilState(next.launcher, "Running")
        assert.lengthOf(yield* node.pids, 1, phase.name)
        assert.strictEqual((yield* next.launcher.get(id)).starts, 1, phase.name)
        yield* next.launcher.delete(id)
        yield* next.close
        assert.deepStrictEqual(yield* node.inventory, before, phase.name)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})

/**
 * The files but for what says how the last guest ended, which a start forgets first of all, what that guest said, and the
 * relay's link, which QEMU does not remove as it does its own socket.
 */
const settled = (files: ReadonlyArray<string>): ReadonlyArray<string> =>
  files.filter((path) => !/\/guest\/(exit\.json|run\/(console\.log|qmp\.sock))/.test(path))
