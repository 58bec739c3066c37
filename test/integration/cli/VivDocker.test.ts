/**
 * The installed `viv` and a real Docker Engine: the README's first container, at a daemon that runs virtual machines too.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { inject } from "vitest"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

/** A daemon that has QEMU, and an engine with the tests' images. */
const rig = Layer.effect(
  VivRig,
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const engine = yield* DockerEngine.make()
    yield* TestImages.load(engine)
    const config = `${engine.directory}/vivd.yaml`
    yield* fs.writeFileString(
      config,
      `virtualizers: [qemu, docker]\ndocker:\n  volumesDirectory: ${engine.shared}/mounted\n`
    )
    return yield* Rig.make(inject("programs"), ["--config", config], { DOCKER_HOST: `unix://${engine.socket}` })
  })
)

describe("viv with a real container", () => {
  layer(rig.pipe(Layer.provideMerge(NodeServices.layer)), { timeout: 60_000, excludeTestServices: true })((it) => {
    it.effect("runs it, shows what it says and uses, stops it, and removes it", () =>
      Effect.gen(function*() {
        const { start, viv } = yield* VivRig
        const image = TestImages.reference("obedient")
        const running = yield* viv("run", "--virtualizer", "docker", "--name", "web", "-p", "8080:80", image)
        assert.strictEqual(running.status, 0, running.stderr)
        assert.match(running.stdout, /^web is running/)
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
      }))

    it.effect("says what it lacks of an engine's", () =>
      Effect.gen(function*() {
        const { viv } = yield* VivRig
        const missing = yield* viv("run", "--virtualizer", "docker", "127.0.0.1:5009/none:1")
        assert.strictEqual(missing.status, 1)
        assert.include(missing.stderr, "127.0.0.1:5009")
        assert.match((yield* viv("doctor")).stdout, /docker/i)
      }))
  })
})
