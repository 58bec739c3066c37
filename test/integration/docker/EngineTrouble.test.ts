/**
 * What an engine does to its clients: it ends, is killed, comes back and freezes, in the middle of anything.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Schema } from "effect"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as Registry from "../../host/docker/Registry.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"
import * as DockerNode from "./DockerNode.ts"
import { id, untilState } from "./DockerNode.ts"

/** After its return all is as it should be within this time. */
const converged = Duration.seconds(10)

/** The points at which an engine is killed, and what had been asked for. */
const points = [
  ["a create that it has not heard of", "start", "before", /^POST .*\/containers\/create/],
  ["a create that it has done", "start", "after", /^POST .*\/containers\/create/],
  ["a start that it has done", "start", "after", /^POST .*\/start/],
  ["a start that it has not heard of", "start", "before", /^POST .*\/start/],
  ["a stop that it has not heard of", "stop", "before", /^POST .*\/kill\?signal=SIGTERM/],
  ["a stop that it has done", "stop", "after", /^POST .*\/kill\?signal=SIGTERM/],
  ["a removal that it has not heard of", "delete", "before", /^DELETE /],
  ["a removal that it has done", "delete", "after", /^DELETE /]
] as const

class Engine extends Context.Service<Engine, DockerEngine.DockerEngine>()("vivarium/Engine") {}

/** An engine that has the tests' images. Whoever ends it starts it again. */
const engineThat = (options: DockerEngine.EngineOptions) =>
  Layer.provideMerge(
    Layer.effect(Engine, Effect.tap(DockerEngine.make(options), TestImages.load)),
    NodeServices.layer
  )

/** A node of its own on that engine. */
const makeNode = Effect.gen(function*() {
  return yield* DockerNode.on(yield* Engine)
})

const Running = Schema.Struct({ State: Schema.Struct({ Pid: Schema.Int }) })

const killProcess = ({ engine }: DockerNode.DockerNode, container: string | undefined) =>
  Effect.orDie(engine.http.read(Running, `/containers/${container}/json`)).pipe(
    Effect.map(({ State }) => Gate.signal(State.Pid, "SIGKILL"))
  )

for (const liveRestore of [false, true]) {
  const name = `an engine in trouble that ${liveRestore ? "restores" : "does not restore"} its containers`
  layer(engineThat({ liveRestore }), { excludeTestServices: true })(name, (it) => {
    // Every other point with the one, the rest with the other; the soak plays all with both.
    for (const [name, command, side, call] of points.filter((_, index) => (index % 2 === 0) === liveRestore)) {
      it.effect(`is killed in the middle of ${name}`, () =>
        Effect.gen(function*() {
          const node = yield* makeNode
          const { engine, launcher, relay } = node
          const spec = yield* node.spec("obedient")
          if (command !== "start") yield* launcher.start(spec)
          const gate = relay.hold(side, call)
          const commanded = yield* Effect.forkChild(
            command === "start" ? Effect.asVoid(launcher.start(spec)) : launcher[command](id),
            { startImmediately: true }
          )
          yield* gate.reached
          yield* engine.kill
          yield* gate.open
          yield* engine.start
          const answered = yield* Gate.within("the command is not answered", Fiber.await(commanded)).pipe(
            Effect.timed
          )
          const [taken, exit] = answered
          const containers = yield* node.containers
          switch (command) {
            case "start": {
              assert.isTrue(Exit.isSuccess(exit), String(exit))
              assert.deepStrictEqual(containers.map(({ State }) => State), ["running"])
              assert.strictEqual((yield* launcher.get(id)).state._tag, "Running")
              break
            }
            case "stop": {
              yield* untilState(node, "Stopped", "Exited")
              assert.deepStrictEqual((yield* node.containers).map(({ State }) => State), ["exited"])
              break
            }
            case "delete":
              assert.isTrue(Exit.isSuccess(exit), String(exit))
              assert.deepStrictEqual(containers, [])
          }
          assert.isBelow(Duration.toMillis(taken), Duration.toMillis(converged))
          // Nothing is in the way of what comes next, and nothing is left.
          if (command !== "delete") yield* launcher.delete(id)
          assert.deepStrictEqual(yield* node.containers, [])
        }))
    }

    it.effect("leaves its instances unknown while it is away, and they are found as they are when it is back", () =>
      Effect.gen(function*() {
        const node = yield* makeNode
        const { engine, launcher, told } = node
        yield* launcher.start(yield* node.spec("obedient"))
        const [before] = yield* node.containers
        const begun = told.length
        yield* engine.kill
        yield* untilState(node, "Unknown")
        assert.notInclude(told.slice(begun), "Exited")
        yield* engine.start
        const [taken] = yield* Effect.timed(untilState(node, liveRestore ? "Running" : "Exited"))
        assert.isBelow(Duration.toMillis(taken), Duration.toMillis(converged))
        const [after, ...others] = yield* node.containers
        assert.deepStrictEqual(others, [])
        assert.strictEqual(after?.Id, before?.Id)
        assert.strictEqual(after?.State, liveRestore ? "running" : "exited")
        yield* launcher.delete(id)
        assert.deepStrictEqual(yield* node.containers, [])
      }))
  })
}

layer(engineThat({ liveRestore: true }), { excludeTestServices: true })("an engine", (it) => {
  it.effect("that was away for long is spoken to again within seconds of its return", () =>
    Effect.gen(function*() {
      const node = yield* makeNode
      const { engine, launcher } = node
      yield* launcher.start(yield* node.spec("obedient"))
      yield* engine.kill
      // Looked for less and less often.
      yield* Effect.sleep("4 seconds")
      yield* engine.start
      const [taken] = yield* Effect.timed(untilState(node, "Running"))
      assert.isBelow(Duration.toMillis(taken), Duration.toMillis(converged))
      yield* launcher.delete(id)
    }))

  it.effect("that is frozen runs into deadlines: its instances are unknown, and go on when it thaws", () =>
    Effect.gen(function*() {
      const node = yield* makeNode
      const { engine, launcher, told } = node
      yield* launcher.start(yield* node.spec("obedient"))
      const begun = told.length
      yield* engine.freeze
      yield* untilState(node, "Unknown")
      assert.notInclude(told.slice(begun), "Exited")
      yield* engine.thaw
      yield* untilState(node, "Running")
      assert.deepStrictEqual((yield* node.containers).map(({ State }) => State), ["running"])
      yield* launcher.delete(id)
    }))

  it.effect("that breaks its stream of events and goes on has missed nothing, and nothing is lost", () =>
    Effect.gen(function*() {
      const node = yield* makeNode
      const { engine, launcher, relay, told } = node
      yield* launcher.start(yield* node.spec("obedient"))
      const gate = relay.hold("before", /\/events\?since=/)
      yield* relay.cut(/\/events/)
      yield* gate.reached
      // Nobody hears of this when it happens.
      const [container] = yield* node.containers
      yield* Effect.orDie(engine.http.done("POST", `/containers/${container?.Id}/kill`))
      yield* gate.open
      const state = yield* untilState(node, "Exited")
      assert.deepStrictEqual(state, { _tag: "Exited", status: { _tag: "Killed", signal: "SIGKILL" } })
      assert.notInclude(told, "Unknown")
      yield* launcher.delete(id)
    }))

  it.effect("whose container ends while it is away, where it can not tell of that, says so when it is back", () =>
    Effect.gen(function*() {
      const node = yield* makeNode
      const { engine, launcher, told } = node
      yield* launcher.start(yield* node.spec("deaf"))
      const [container] = yield* node.containers
      const kill = yield* killProcess(node, container?.Id)
      yield* engine.kill
      yield* kill
      yield* untilState(node, "Unknown")
      assert.notInclude(told, "Exited")
      yield* engine.start
      const state = yield* untilState(node, "Exited")
      assert.deepStrictEqual(state, { _tag: "Exited", status: { _tag: "Killed", signal: "SIGKILL" } })
      yield* launcher.delete(id)
      assert.deepStrictEqual(yield* node.containers, [])
    }))

  it.effect("that is killed in the middle of a pull: it is begun again, and leaves one image and one container", () =>
    Effect.gen(function*() {
      const node = yield* makeNode
      const { engine, launcher } = node
      const open = yield* Registry.make(engine, "open")
      const stalling = yield* Registry.stalling(engine)
      yield* open.push("bulky")
      yield* Effect.orDie(engine.http.done("DELETE", `/images/${TestImages.reference("bulky")}`))
      const boot = { kind: "container", image: stalling.reference("bulky") }
      const started = yield* Effect.forkChild(launcher.start(yield* node.spec("bulky", { boot })), {
        startImmediately: true
      })
      yield* stalling.stalled
      yield* engine.kill
      yield* stalling.release
      yield* engine.start
      yield* Gate.within("the start is not answered", Fiber.join(started))
      assert.strictEqual((yield* launcher.get(id)).state._tag, "Running")
      assert.deepStrictEqual((yield* node.containers).map(({ State }) => State), ["running"])
      yield* launcher.delete(id)
      assert.deepStrictEqual(yield* node.containers, [])
    }))
})
