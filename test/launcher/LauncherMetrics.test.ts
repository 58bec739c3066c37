import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Latch, Metric, Schema, Stream } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { tags } from "../../src/domain/InstanceState.ts"
import type { LauncherChange } from "../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../src/launcher/LauncherError.ts"
import { ImageUnusable, LaunchFailed } from "../../src/VirtualizerError.ts"
import { apart, metric } from "./Scraper.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, reasonOf, settle, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const mebibyte = 1024 * 1024

/** Runs a test whose metrics are nobody else's. */
const alone = <A, E, R>(test: (node: TestNode) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => apart(test(new TestNode()), new Map()))

/** The states that there are instances in, as a scraper reads it. */
const byState = Effect.map(
  metric("vivarium_instances"),
  (all) => Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0))
)

describe("metrics of a life", () => {
  it.effect("say how many instances there are in each state, and of each one that there is none", () =>
    alone(Effect.fnUntraced(function*(node) {
      const opened = yield* node.open()
      assert.deepStrictEqual(
        yield* metric("vivarium_instances"),
        Object.fromEntries(tags.map((tag) => [tag, 0]))
      )
      const { launcher } = opened
      for (const name of ["a1", "b2", "c3"]) yield* launcher.start(spec(name))
      yield* launcher.pause(id("b2"))
      yield* launcher.stop(id("c3"))
      assert.deepStrictEqual(yield* byState, { Running: 1, Paused: 1, Stopped: 1 })
      yield* launcher.delete(id("b2"))
      assert.deepStrictEqual(yield* byState, { Running: 1, Stopped: 1 })
      // Of a launcher that has closed nothing is to be had.
      yield* opened.close
      assert.deepStrictEqual(yield* metric("vivarium_instances"), {})
      assert.deepStrictEqual(yield* metric("vivarium_reserved"), {})
      yield* node.launcher()
      assert.deepStrictEqual(yield* byState, { Running: 1, Stopped: 1 })
    })))

  it.effect("count operations by their outcome: ok, a code, or interrupted", () =>
    alone(Effect.fnUntraced(function*(node) {
      const launcher = yield* node.launcher()
      node.world.next("image", failing(new ImageUnusable({ path: "/vmlinuz", detail: "no" })))
      yield* reasonOf(launcher.start(spec("a1")))
      const gate = node.world.hold("create")
      const start = yield* beside(launcher.start(spec("a1")))
      yield* gate.reached
      yield* Fiber.interrupt(start)
      yield* launcher.start(spec("a1"))
      yield* launcher.stop(a)
      yield* reasonOf(launcher.pause(a))
      yield* reasonOf(launcher.stats(a))
      yield* reasonOf(launcher.delete(id("b2")))
      yield* Stream.runDrain(launcher.evacuate)
      yield* reasonOf(launcher.start(spec("a1")))
      yield* launcher.restore
      assert.deepStrictEqual(yield* metric("vivarium_operations_total"), {
        "start image_failure": 1,
        "start interrupted": 1,
        "start ok": 1,
        "start node_maintenance": 1,
        "stop ok": 1,
        "pause instance_failure": 1,
        "stats instance_failure": 1,
        "delete no_instance": 1,
        "evacuate ok": 1,
        "restore ok": 1
      })
    })))

  it.effect("say how long its phases took, and how they ended", () =>
    alone(Effect.fnUntraced(function*(node) {
      const launcher = yield* node.launcher()
      node.world.always("image", Effect.sleep(1_500))
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      const start = yield* beside(reasonOf(launcher.start(spec("a1"))))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(start), "StepFailed")
      yield* launcher.start(spec("a1"))
      const gate = node.world.hold("stop")
      const stop = yield* beside(reasonOf(launcher.stop(a)))
      yield* gate.reached
      yield* launcher.delete(a)
      assert.strictEqual(yield* Fiber.join(stop), "Superseded")
      const counts = yield* metric("vivarium_phase_seconds")
      assert.deepInclude(counts, {
        "ok image": 1,
        "ok create": 1,
        "failed launch": 1,
        "ok launch": 1,
        "ok connect": 1,
        "interrupted stop": 1
      })
      const histogram = (yield* Metric.snapshot).find(({ attributes, id }) =>
        id === "vivarium_phase_seconds" && attributes?.["phase"] === "image"
      )
      assert.deepInclude(histogram?.state, { sum: 1.5 })
    })))

  it.effect("count restarts by a policy, and no others", () =>
    alone(Effect.fnUntraced(function*(node) {
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", { restart: "always" }))
      yield* launcher.restart(a)
      assert.deepStrictEqual(yield* metric("vivarium_restarts_total"), {})
      for (let end = 1; end <= 2; end++) {
        node.world.exit(a, { _tag: "Panicked" })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* metric("vivarium_restarts_total"), { "": end })
      }
    })))

  it.effect("count the events that a follower missed", () =>
    alone(Effect.fnUntraced(function*(node) {
      const launcher = yield* node.launcher({ eventsHeld: 4 })
      const seen: Array<LauncherChange> = []
      const gate = Latch.makeUnsafe()
      const follower = yield* beside(Stream.runForEach(launcher.changes, (change) =>
        Effect.suspend(() => {
          seen.push(change)
          return gate.await
        })))
      yield* settle
      for (let round = 0; round < 5; round++) {
        yield* launcher.start(spec("a1"))
        yield* launcher.delete(a)
      }
      yield* gate.open
      yield* settle
      yield* Fiber.interrupt(follower)
      const missed = seen.reduce((sum, entry) => entry._tag === "Lagged" ? sum + (entry.missed ?? 0) : sum, 0)
      assert.isAbove(missed, 0)
      assert.deepStrictEqual(yield* metric("vivarium_events_missed_total"), { "": missed })
    })))

  it.effect("say how many orphans there were when somebody looked", () =>
    alone(Effect.fnUntraced(function*(node) {
      node.world.boot(id("dead"), [])
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepStrictEqual(yield* metric("vivarium_orphans"), { "": 1 })
      yield* launcher.destroyOrphan(id("dead"))
      yield* launcher.orphans
      assert.deepStrictEqual(yield* metric("vivarium_orphans"), { "": 0 })
    })))

  it.effect("say what is held at the moment that they are read", () =>
    alone(Effect.fnUntraced(function*(node) {
      const launcher = yield* node.launcher()
      const held = (memory: number, vcpus: number) => ({
        memory_bytes: memory * mebibyte,
        vcpus,
        disk_bytes: 0
      })
      assert.deepStrictEqual(yield* metric("vivarium_reserved"), held(0, 0))
      const gate = node.world.hold("image")
      const start = yield* beside(launcher.start(spec("a1", { vcpus: 2 })))
      yield* gate.reached
      assert.deepStrictEqual(yield* metric("vivarium_reserved"), held(64, 2))
      yield* gate.open
      yield* Fiber.join(start)
      yield* launcher.start(spec("b2"))
      assert.deepStrictEqual(yield* metric("vivarium_reserved"), held(128, 3))
      yield* launcher.stop(a)
      assert.deepStrictEqual(yield* metric("vivarium_reserved"), held(64, 1))
      yield* launcher.delete(id("b2"))
      const text = yield* PrometheusMetrics.format()
      assert.include(text, "vivarium_reserved{resource=\"memory_bytes\"} 0")
      assert.include(text, "vivarium_instances{state=\"Stopped\"} 1")
    })))
})

describe("adoptions", () => {
  const adoptions = Effect.map(metric("vivarium_adoptions_total"), (all) => all[""] ?? 0)

  it.effect("count once each guest that a new launcher takes hold of, and no other", () =>
    alone(Effect.fnUntraced(function*(node) {
      const first = yield* node.open()
      for (const name of ["a1", "b2", "c3", "d4"]) yield* first.launcher.start(spec(name))
      yield* first.launcher.stop(id("d4"))
      assert.strictEqual(yield* adoptions, 0)
      yield* first.close
      node.world.exit(id("c3"), { _tag: "PoweredOff" })

      const { launcher } = yield* node.open()
      assert.strictEqual(yield* adoptions, 2)
      // Its own guests are not found, and who was adopted once is not again.
      yield* launcher.start(spec("d4"))
      yield* launcher.restart(a)
      node.world.reachable(id("b2"), false)
      yield* TestClock.adjust("1 minute")
      node.world.reachable(id("b2"), true)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* launcher.get(id("b2"))).state._tag, "Running")
      assert.strictEqual(yield* adoptions, 2)
    })))

  it.effect("count one that did not answer at first when it is taken hold of", () =>
    alone(Effect.fnUntraced(function*(node) {
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.close
      node.world.reachable(a, false)
      const opening = yield* beside(node.open())
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(opening)
      assert.strictEqual(yield* adoptions, 0)
      node.world.reachable(a, true)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* adoptions, 1)
    })))

  it.effect("count an orphan that is adopted", () =>
    alone(Effect.fnUntraced(function*(node) {
      node.world.boot(a, [])
      const launcher = yield* node.launcher()
      yield* launcher.adopt(spec("a1"))
      assert.strictEqual(yield* adoptions, 1)
    })))
})

describe("the registry of metrics", () => {
  it.effect("is that of the context the launcher was made in", () =>
    Effect.gen(function*() {
      const registries = [new Map(), new Map()] as const
      const nodes = [new TestNode(), new TestNode()] as const
      const first = yield* apart(nodes[0].launcher(), registries[0])
      const second = yield* apart(nodes[1].launcher(), registries[1])
      yield* first.start(spec("a1"))
      yield* second.start(spec("a1"))
      yield* second.start(spec("b2"))
      yield* first.stop(a)
      assert.deepStrictEqual(yield* apart(byState, registries[0]), { Stopped: 1 })
      assert.deepStrictEqual(yield* apart(byState, registries[1]), { Running: 2 })
      const operations = metric("vivarium_operations_total")
      assert.deepStrictEqual(yield* apart(operations, registries[0]), { "start ok": 1, "stop ok": 1 })
      assert.deepStrictEqual(yield* apart(operations, registries[1]), { "start ok": 2 })
      assert.deepStrictEqual(yield* apart(operations, new Map()), {})
    }))
})

const Command = Schema.Struct({
  what: Schema.Literals([
    "start",
    "start",
    "stop",
    "restart",
    "delete",
    "pause",
    "resume",
    "attach",
    "detach",
    "interrupt",
    "crash",
    "sever",
    "restore"
  ]),
  on: Schema.Literals(["a1", "b2", "c3"]),
  afterMillis: Schema.Literals([0, 0, 1, 500, 5_000])
})

const code = (exit: Exit.Exit<unknown, LauncherError>): string =>
  Exit.isSuccess(exit)
    ? "ok"
    : exit.cause.reasons.find(Cause.isFailReason)?.error.code ?? "interrupted"

describe("metrics of any life", () => {
  it.effect.prop(
    "states sum to the instances there are and are never below zero, and every operation is counted as it was answered",
    [Schema.Array(Command).check(Schema.isMaxLength(40))],
    ([commands]) =>
      alone(Effect.fnUntraced(function*(node) {
        for (const point of ["image", "launch", "connect", "stop", "deleteImage"] as const) {
          node.world.always(point, Effect.sleep(300))
        }
        const launcher = yield* node.launcher()
        /** Every number is what it is to be at this moment. */
        const look = Effect.gen(function*() {
          const counts = Object.values(yield* metric("vivarium_instances"))
          const { length } = yield* launcher.list
          assert.isTrue(counts.every((count) => count >= 0), counts.join())
          assert.strictEqual(counts.reduce((sum, count) => sum + count, 0), length)
        })
        const follower = yield* beside(Stream.runForEach(launcher.changes, () => look))
        const answers: Record<string, number> = {}
        const asked: Array<Fiber.Fiber<unknown, unknown>> = []
        const ask = (what: string, command: Effect.Effect<unknown, LauncherError>) =>
          Effect.map(
            beside(Effect.onExit(command, (exit) =>
              Effect.sync(() => {
                const key = `${what} ${code(exit)}`
                answers[key] = (answers[key] ?? 0) + 1
              }))),
            (fiber) => asked.push(fiber)
          )
        for (const { afterMillis, on, what } of commands) {
          const it = id(on)
          switch (what) {
            case "start":
              yield* ask(what, launcher.start(spec(on, { restart: "on-failure" })))
              break
            case "attach":
              yield* ask(what, launcher.attach(it, { id: volume("one") }))
              break
            case "detach":
              yield* ask(what, launcher.detach(it, volume("one")))
              break
            case "interrupt": {
              const last = asked.at(-1)
              if (last !== undefined) yield* beside(Fiber.interrupt(last))
              break
            }
            case "crash":
              node.world.exit(it, { _tag: "Panicked" })
              break
            case "sever":
            case "restore":
              node.world.reachable(it, what === "restore")
              break
            default:
              yield* ask(what, launcher[what](it))
          }
          yield* look
          yield* TestClock.adjust(afterMillis)
          yield* look
        }
        yield* TestClock.adjust("30 minutes")
        yield* look
        assert.isUndefined(follower.pollUnsafe())
        assert.deepStrictEqual(yield* metric("vivarium_operations_total"), answers)
      })).pipe(Effect.scoped, Effect.provide(TestClock.layer(), { local: true })),
    { arbitrary: { runs: 60 } }
  )
})
