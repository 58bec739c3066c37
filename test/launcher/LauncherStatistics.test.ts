import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { HostFailure } from "../../src/VirtualizerError.ts"
import { failing, Gate } from "./ScriptedVirtualizer.ts"
import { beside, id, sample, settle, spec, TestNode } from "./TestNode.ts"

describe("Launcher.statistics", () => {
  it.effect("tells what the node has, and what every instance is and uses", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const address = { address: "192.168.8.2", concentrator: { address: "10.0.0.1" } }
      yield* launcher.start(spec("a1", { nics: [{ kind: "none", ...address }] }))
      yield* launcher.start(spec("b2"))
      yield* launcher.stop(id("b2"))
      const { instances, node: has, status } = yield* launcher.statistics
      assert.deepStrictEqual(has, sample())
      assert.deepStrictEqual(instances, [
        {
          id: id("a1"),
          state: { _tag: "Running" },
          volumes: [],
          sshAddress: "10.0.0.1",
          sshPort: 35_050,
          stats: { memoryBytes: 1 }
        },
        { id: id("b2"), state: { _tag: "Stopped" }, volumes: [], sshPort: 0, stats: {} }
      ])
      assert.deepInclude(status.instances, { Running: 1, Stopped: 1, Failed: 0 })
      assert.strictEqual(status.incarnation, 1)
    }))

  it.effect("is one measuring for all who ask at once, and goes on when one of them leaves", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = new Gate()
      let samples = 0
      node.sample = Effect.suspend(() => {
        samples++
        return Effect.as(Effect.orDie(gate.script), sample())
      })
      const asked = yield* Effect.forEach([1, 2, 3], () => beside(launcher.statistics))
      yield* gate.reached
      const [first, second, third] = asked
      if (first !== undefined) yield* Fiber.interrupt(first)
      yield* gate.open
      for (const fiber of [second, third]) {
        if (fiber !== undefined) assert.lengthOf((yield* Fiber.join(fiber)).instances, 1)
      }
      assert.strictEqual(samples, 1)
      yield* launcher.statistics
      assert.strictEqual(samples, 2)
    }))

  it.effect("keeps no command waiting, and is over within its deadline whoever hangs", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher({ statisticsAtOnce: 1 })
      yield* launcher.start(spec("a1"))
      yield* launcher.start(spec("b2"))
      node.sample = Effect.never
      node.world.always("stats", Effect.never)
      const asked = yield* beside(launcher.statistics)
      yield* settle
      yield* launcher.pause(id("a1"))
      yield* launcher.stop(id("b2"))
      yield* launcher.start(spec("c3"))
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      const { instances, node: has } = yield* Fiber.join(asked)
      assert.isUndefined(has)
      assert.deepStrictEqual(instances.map(({ stats }) => stats), [{}, {}, {}])
    }))

  it.effect("leaves out what can not be told of one, and tells the others", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      yield* launcher.start(spec("b2"))
      node.world.next("stats", failing(new HostFailure({ detail: "no" })))
      const { instances } = yield* launcher.statistics
      assert.sameDeepMembers(instances.map(({ stats }) => stats), [{}, { memoryBytes: 1 }])
    }))

  it.effect("who waits when the launcher closes is answered", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const { close, launcher } = yield* node.open()
      node.sample = Effect.never
      const asked = yield* beside(launcher.statistics)
      yield* settle
      yield* close
      assert.isUndefined((yield* Fiber.join(asked)).node)
      assert.isUndefined((yield* launcher.statistics).node)
    }))
})
