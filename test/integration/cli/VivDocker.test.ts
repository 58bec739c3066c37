/**
 * The installed `viv` and a real Docker Engine: the README's first container, at a daemon that runs virtual machines too.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Schema } from "effect"
import { inject } from "vitest"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

/** A daemon that has QEMU and is led to an engine, which may not be there. */
const daemonOn = Effect.fnUntraced(function*(engine: string, mounted: string) {
  const fs = yield* FileSystem.FileSystem
  const config = `${yield* fs.makeTempDirectoryScoped({ prefix: "viv-docker-" })}/vivd.yaml`
  yield* fs.writeFileString(config, `virtualizers: [qemu, docker]\ndocker: { volumesDirectory: ${mounted} }\n`)
  return yield* Rig.make(inject("programs"), ["--config", config], { DOCKER_HOST: `unix://${engine}` })
})

class Engine extends Context.Service<Engine, DockerEngine.DockerEngine>()("vivarium/Engine") {}

/** A daemon, and an engine with the tests' images. */
const rig = Layer.effect(
  VivRig,
  Effect.flatMap(Engine, ({ shared, socket }) => daemonOn(socket, `${shared}/mounted`))
).pipe(Layer.provideMerge(Layer.effect(Engine, Effect.tap(DockerEngine.make(), TestImages.load))))

const Published = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({ Ports: Schema.Array(Schema.Struct({ PrivatePort: Schema.Int, PublicPort: Schema.Int })) })
  )
)

/** What the README has `viv` do first with a container, but for the image. */
const firstContainer = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const readme = yield* fs.readFileString("README.md")
  const found = /^viv (run --virtualizer docker .*) \S+ && viv logs -f web$/m.exec(readme)
  assert.isNotNull(found)
  return found?.[1]?.split(" ") ?? []
})

/** The ports that the engine's containers have. */
const published = Effect.gen(function*() {
  const { http } = yield* Engine
  const all = yield* Schema.decodeUnknownEffect(Published)(yield* http.done("GET", "/containers/json?all=1"))
  return all.map(({ Ports }) => Ports)
})

const away = Layer.effect(VivRig, daemonOn("/none/docker.sock", "/none/mounted"))

describe("viv with a real container", () => {
  layer(rig.pipe(Layer.provideMerge(NodeServices.layer)), { timeout: 60_000, excludeTestServices: true })((it) => {
    it.effect("runs it, shows what it says and uses, stops it, and removes it", () =>
      Effect.gen(function*() {
        const { start, viv } = yield* VivRig
        const image = TestImages.reference("obedient")
        const running = yield* viv(...yield* firstContainer, image)
        assert.strictEqual(running.status, 0, running.stderr)
        assert.match(running.stdout, /^web is running/)
        assert.deepStrictEqual(yield* published, [[{ PrivatePort: 80, PublicPort: 8080 }]])
        const log = yield* start("logs", "-f", "web")
        yield* log.says(TestImages.ready)
        assert.match((yield* viv("stats", "web")).stdout, /^\S+ +web +running +\S+ +\d/m)
        const stopped = yield* viv("stop", "web")
        assert.strictEqual(stopped.status, 0, stopped.stderr)
        assert.include((yield* log.ended).stdout, TestImages.asked)
        assert.include((yield* viv("ls")).stdout, "stopped")
        const gone = yield* viv("rm", "web")
        assert.strictEqual(gone.status, 0, gone.stderr)
        assert.strictEqual((yield* viv("ls", "-q")).stdout, "")
        assert.deepStrictEqual(yield* published, [])
      }))

    it.effect("types at its console as a terminal does, and finds it gone when it was run with --rm and has ended", () =>
      Effect.gen(function*() {
        const { start, terminal, viv } = yield* VivRig
        const running = yield* viv(
          ...["run", "--rm", "--virtualizer", "docker", "--name", "echo", "--stop-grace", "0 seconds"],
          ...[TestImages.reference("obedient"), "--"],
          ...["/bin/sh", "-c", "while read -r line; do echo \"heard $line\"; done"]
        )
        assert.strictEqual(running.status, 0, running.stderr)
        const console = yield* terminal(80, "console", "echo")
        yield* console.says("leaves it")
        yield* console.type("one\r")
        yield* console.says("heard one")
        yield* console.type("\u001d")
        assert.strictEqual((yield* console.ended).status, 0)
        const gone = yield* start("wait", "echo", "--for", "deleted")
        yield* gone.says("waited for")
        const stopped = yield* viv("stop", "echo")
        assert.strictEqual(stopped.status, 0, stopped.stderr)
        assert.strictEqual((yield* gone.ended).stdout, "echo is deleted\n")
      }))

    it.effect("says what it lacks of an engine's", () =>
      Effect.gen(function*() {
        const { viv } = yield* VivRig
        const missing = yield* viv("run", "--virtualizer", "docker", "127.0.0.1:5009/none:1")
        assert.strictEqual(missing.status, 1)
        assert.include(missing.stderr, "127.0.0.1:5009")
        assert.match((yield* viv("doctor")).stdout, /^ok +docker +Docker Engine \d\S* answers at unix:/m)
      }))
  })

  layer(away.pipe(Layer.provideMerge(NodeServices.layer)), { timeout: 60_000, excludeTestServices: true })((it) => {
    it.effect("says that the engine is away, where a daemon started without it", () =>
      Effect.gen(function*() {
        const { start, viv } = yield* VivRig
        const running = yield* start("run", "--virtualizer", "docker", "--name", "web", "nginx:1")
        yield* running.says("no engine answers at unix:///none/docker.sock")
        yield* running.interrupt
        assert.strictEqual((yield* running.ended).status, 130)
        assert.strictEqual((yield* viv("ls", "-q")).stdout, "")
        assert.match((yield* viv("doctor")).stdout, /^missing +docker +no engine answers at .*\n +→ \S/m)
      }))
  })
})
