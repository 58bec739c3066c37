/**
 * Starts of real guests, held in each phase and then taken back, overtaken, or cut short by the end of their launcher.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as HeldNode from "./HeldNode.ts"
import { startPhases } from "./startPhases.ts"

const { id, quickly } = HeldNode

const beside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkScoped(effect, { startImmediately: true })

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
})
