import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Logger, References, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { LaunchFailed } from "../../src/VirtualizerError.ts"
import { Tracing } from "./Scraper.ts"
import { failing, type Point } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")

/** Runs a test on a node whose spans are kept. */
const traced = <A, E, R>(test: (node: TestNode, tracing: Tracing) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const tracing = new Tracing()
    return Effect.provideService(test(new TestNode(), tracing), Tracer.Tracer, tracing.tracer)
  })

/** How long each point takes. */
const slow = (node: TestNode, millis: Partial<Record<Point, number>>) => {
  for (const [point, each = 0] of Object.entries(millis)) node.world.always(point as Point, Effect.sleep(each))
}

describe("the trace of a start", () => {
  it.effect("has each of its steps, which take all of its time", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      node.wrapStore = (store) => ({ ...store, put: (record) => Effect.andThen(Effect.sleep(20), store.put(record)) })
      node.sample = Effect.andThen(Effect.sleep(10), node.sample)
      const launcher = yield* node.launcher()
      slow(node, { probe: 50, image: 100, create: 200, launch: 300, connect: 400 })
      const start = yield* beside(launcher.start(spec("a1")))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(start)
      const steps = tracing.below("Launcher.start")
      assert.deepStrictEqual(
        steps.map(({ durationMillis, name }) => [name, durationMillis]),
        [
          ["Launcher.measure", 10],
          ["Instance.record", 20],
          ["Instance.probe", 50],
          ["Instance.image", 100],
          ["Instance.create", 200],
          ["Instance.record", 20],
          ["Instance.launch", 300],
          ["Instance.connect", 400]
        ]
      )
      const whole = tracing.last("Launcher.start")
      assert.strictEqual(whole?.durationMillis, steps.reduce((sum, { durationMillis }) => sum + durationMillis, 0))
      // One begins where the one before ends.
      steps.forEach(({ durationMillis, startMillis }, index) =>
        assert.strictEqual(steps[index + 1]?.startMillis ?? startMillis + durationMillis, startMillis + durationMillis)
      )
      assert.isTrue(steps.slice(1).every(({ instance, isFailed }) => instance === a && !isFailed))
    })))

  it.effect("says which step failed", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      assert.strictEqual(yield* reasonOf(launcher.start(spec("a1"))), "StepFailed")
      assert.deepStrictEqual(
        tracing.below("Launcher.start").filter(({ isFailed }) => isFailed).map(({ name }) => name),
        ["Instance.launch"]
      )
      assert.isTrue(tracing.last("Launcher.start")?.isFailed)
    })))

  it.effect("ends with the step that a stronger command interrupted; what follows is the stronger one's", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      const gate = node.world.hold("image")
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* gate.reached
      yield* launcher.delete(a)
      assert.strictEqual(yield* Fiber.join(start), "Superseded")
      assert.deepInclude(tracing.below("Launcher.start").at(-1), { name: "Instance.image", isFailed: true })
      assert.deepStrictEqual(tracing.below("Launcher.delete").map(({ name }) => name), [
        "Instance.record",
        "Instance.probe",
        "Instance.delete",
        "Instance.record"
      ])
    })))
})

describe("a step", () => {
  it.effect("of a stop belongs to the stop", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { stopGrace: Duration.seconds(3) }))
      node.world.polite = false
      slow(node, { stop: 700 })
      const stop = yield* beside(launcher.stop(a))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(stop)
      const [, stopping] = tracing.below("Launcher.stop")
      assert.deepInclude(stopping, { name: "Instance.stop", durationMillis: 700, isFailed: false })
      assert.strictEqual(tracing.last("Launcher.stop")?.durationMillis, 700)
    })))

  it.effect("belongs to the one of two commands that it is for", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("attach")
      const first = yield* beside(launcher.attach(a, { id: volume("one") }))
      yield* gate.reached
      // Both wait before the step of either begins.
      const attach = yield* beside(launcher.attach(a, { id: volume("two") }))
      const pause = yield* beside(launcher.pause(a))
      yield* settle
      yield* gate.open
      yield* Fiber.joinAll([first, attach, pause])
      const steps = (name: string) =>
        tracing.below(name).map(({ name }) => name).filter((name) => name !== "Instance.record")
      assert.deepStrictEqual(steps("Launcher.attach"), ["Instance.attach"])
      assert.deepStrictEqual(steps("Launcher.pause"), ["Instance.pause"])
    })))

  it.effect("that nobody asked for is a trace of its own, as that of a restart policy", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { restart: "always" }))
      node.world.exit(a, { _tag: "Panicked" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.get(a)).starts, 2)
      const launches = tracing.ended.filter(({ name }) => name === "Instance.launch")
      assert.deepStrictEqual(launches.map(({ parent }) => parent), ["Launcher.start", undefined])
      // To wait is no step: it would be told of every instance that can not be reached.
      assert.isUndefined(tracing.last("Instance.wait"))
    })))

  it.effect("logs with the id of its instance, and no other's", () => {
    const logged: Array<unknown> = []
    const logger = Logger.make(({ fiber, message }) => {
      if (String(message).startsWith("in ")) {
        logged.push([String(message), fiber.getRef(References.CurrentLogAnnotations)])
      }
    })
    return Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      for (const name of ["a1", "b2"]) {
        node.world.next("image", Effect.logInfo(`in ${name}`))
        yield* launcher.start(spec(name))
      }
      yield* Effect.logInfo("in none")
      assert.deepStrictEqual(logged, [["in a1", { instance: "a1" }], ["in b2", { instance: "b2" }], ["in none", {}]])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})

describe("the trace of an evacuation", () => {
  it.effect("has the steps that it took", () =>
    traced(Effect.fnUntraced(function*(node, tracing) {
      const launcher = yield* node.launcher()
      for (const name of ["a1", "b2"]) yield* launcher.start(spec(name))
      yield* Stream.runDrain(launcher.evacuate)
      const stops = tracing.below("Launcher.evacuate").filter(({ name }) => name === "Instance.stop")
      assert.sameMembers(stops.map(({ instance }) => instance), ["a1", "b2"])
    })))
})
