/**
 * What others do to a launcher's containers at their engine, past it.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import * as Containers from "../../host/docker/Containers.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"
import * as DockerNode from "./DockerNode.ts"
import { id, untilState } from "./DockerNode.ts"

class Engine extends Context.Service<Engine, DockerEngine.DockerEngine>()("vivarium/Engine") {}

const engine = Layer.effect(Engine, Effect.tap(DockerEngine.make(), TestImages.load))

const Named = Schema.Array(Schema.Struct({ Names: Schema.Array(Schema.String) }))

/** Waits until the instance was told to be in these states, in this order, since it was told as many. */
const untilTold = (told: ReadonlyArray<string>, since: number, states: ReadonlyArray<string>) =>
  Gate.until(`it is not told to be ${states.join(", then ")}`, () => {
    let next = 0
    for (const state of told.slice(since)) if (state === states[next]) next++
    return next === states.length
  })

/** A node, and what somebody else does to its only container. Nothing of it is left at the engine, also when a test fails. */
const rig = Effect.gen(function*() {
  const engine = yield* Engine
  yield* Effect.addFinalizer(() => Containers.remove(engine.http))
  const node = yield* DockerNode.on(engine)
  const others = (act: string) =>
    Effect.flatMap(
      node.containers,
      ([container]) => Effect.asVoid(Effect.orDie(node.engine.http.done("POST", `/containers/${container?.Id}/${act}`)))
    )
  const noneIsLeft = Effect.gen(function*() {
    yield* node.launcher.delete(id)
    assert.deepStrictEqual(yield* node.containers, [])
  })
  return { ...node, node, others, noneIsLeft }
})

layer(Layer.provideMerge(engine, NodeServices.layer), { excludeTestServices: true })(
  "a container that somebody",
  (it) => {
    it.effect("removes has exited for that, and is made anew when it is wanted again", () =>
      Effect.gen(function*() {
        const { containers, engine, launcher, node, noneIsLeft } = yield* rig
        const spec = yield* node.spec("deaf")
        yield* launcher.start(spec)
        const [container] = yield* containers
        yield* Effect.orDie(engine.http.done("DELETE", `/containers/${container?.Id}?force=1`))
        assert.deepStrictEqual(yield* untilState(node, "Exited"), { _tag: "Exited", status: { _tag: "Removed" } })
        yield* launcher.start(spec)
        assert.deepStrictEqual((yield* containers).map(({ State }) => State), ["running"])
        yield* noneIsLeft
      }))

    it.effect("renames is the instance's all the same: it is measured, adopted, stopped, started and removed", () =>
      Effect.gen(function*() {
        const { containers, launcher, node, noneIsLeft, others } = yield* rig
        const spec = yield* node.spec("obedient")
        yield* launcher.start(spec)
        const [before] = yield* containers
        yield* others("rename?name=another")
        assert.isAbove((yield* launcher.stats(id)).memoryBytes ?? 0, 0)
        yield* launcher.stop(id)
        yield* launcher.start(spec)
        const after = yield* containers
        assert.deepStrictEqual(after, [{ Id: before?.Id ?? "", State: "running" }])
        yield* noneIsLeft
      }))

    it.effect("restarts is told to have ended, and to run again", () =>
      Effect.gen(function*() {
        const { launcher, node, noneIsLeft, others, told } = yield* rig
        yield* launcher.start(yield* node.spec("deaf"))
        const begun = told.length
        yield* others("restart?t=0")
        yield* untilTold(told, begun, ["Exited", "Running"])
        // It is watched again: what a command did is known.
        yield* launcher.pause(id)
        yield* launcher.resume(id)
        yield* others("pause")
        yield* untilState(node, "Paused")
        yield* others("unpause")
        yield* untilState(node, "Running")
        yield* noneIsLeft
      }))

    it.effect("restarts while its restart policy would is not started twice", () =>
      Effect.gen(function*() {
        const { containers, launcher, node, noneIsLeft, others, told } = yield* rig
        yield* launcher.start(yield* node.spec("deaf", { restart: "always" }))
        const begun = told.length
        yield* others("restart?t=0")
        yield* untilTold(told, begun, ["Restarting", "Running"])
        assert.deepStrictEqual((yield* containers).map(({ State }) => State), ["running"])
        yield* noneIsLeft
      }))

    it.effect("starts after it ended runs again", () =>
      Effect.gen(function*() {
        const { launcher, node, noneIsLeft, others } = yield* rig
        yield* launcher.start(yield* node.spec("deaf"))
        yield* others("kill")
        yield* untilState(node, "Exited")
        yield* others("start")
        yield* untilState(node, "Running")
        yield* noneIsLeft
      }))

    it.effect("starts after it was stopped is stopped again", () =>
      Effect.gen(function*() {
        const { containers, launcher, node, noneIsLeft, others, told } = yield* rig
        yield* launcher.start(yield* node.spec("obedient"))
        yield* launcher.stop(id)
        yield* untilTold(told, 0, ["Running", "Stopping", "Stopped"])
        const begun = told.length
        yield* others("start")
        yield* untilTold(told, begun, ["Stopping", "Stopped"])
        assert.deepStrictEqual((yield* containers).map(({ State }) => State), ["exited"])
        yield* noneIsLeft
      }))

    it.effect("gave the name of an instance's to another is not touched, and that is said", () =>
      Effect.gen(function*() {
        const { engine, launcher, node, others } = yield* rig
        const spec = yield* node.spec("obedient")
        yield* launcher.start(spec)
        const [named] = yield* Effect.orDie(engine.http.read(Named, "/containers/json"))
        yield* launcher.delete(id)
        const body = { Image: TestImages.reference("obedient") }
        yield* Effect.orDie(engine.http.done("POST", `/containers/create?name=${named?.Names[0]?.slice(1)}`, body))
        const error = yield* Effect.flip(launcher.start(spec))
        assert.include(error.message, "remove or rename")
        assert.lengthOf(yield* node.containers, 1)
        yield* others("rename?name=kept")
        yield* launcher.start(spec)
        yield* launcher.delete(id)
        assert.lengthOf(yield* node.containers, 1)
        yield* Effect.orDie(engine.http.done("DELETE", "/containers/kept?force=1"))
      }))

    const image = TestImages.reference("obedient")
    for (
      const [name, asked, words] of [
        ["a network that is not there", { nics: [{ kind: "user", network: "nosuch" }] }, "make that network"],
        [
          "a command that is not there",
          { boot: { kind: "container", image, command: ["/no/such"] } },
          "correct its command"
        ],
        ["less memory than engines give", { memory: "1 MiB" }, "6 MiB"]
      ] as const
    ) {
      it.effect(`is asked for by somebody with ${name}: that fails, says what to do, and leaves nothing`, () =>
        Effect.gen(function*() {
          const { containers, launcher, node } = yield* rig
          const error = yield* Effect.flip(launcher.start(yield* node.spec("obedient", asked)))
          assert.include(error.message, words)
          yield* Effect.ignore(launcher.delete(id))
          assert.deepStrictEqual(yield* containers, [])
        }))
    }
  }
)
