/**
 * The engine that tests of containers use is a test's own, and leaves nothing of itself.
 */
import * as Fs from "node:fs"
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Path, Schedule, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Inventory from "../../host/Inventory.ts"

/** What a machine has that an engine could leave something in. */
const machine = (directory: string) =>
  Effect.map(Inventory.take(directory), (inventory) => ({
    ...inventory,
    // Those that this test was started with, and so on, are none of its business.
    processes: inventory.processes.filter((words) => words.includes(directory)),
    directories: ["/etc", "/opt", "/run", "/var/lib", "/sys/class/net"].flatMap((path) =>
      Fs.existsSync(path) ? Fs.readdirSync(path).map((name) => `${path}/${name}`) : []
    ),
    cgroups: Fs.globSync(`/sys/fs/cgroup/{,*/}vivarium-${directory.slice(directory.lastIndexOf("/") + 1)}`),
    forwarding: Fs.readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8")
  }))

const Running = Schema.Array(Schema.Struct({ Id: Schema.String, State: Schema.String }))

/** A container that runs on such an engine. */
const run = (engine: DockerEngine.DockerEngine, image: TestImages.TestImage, more: object = {}) =>
  Effect.gen(function*() {
    const body = { Image: TestImages.reference(image), ...more }
    yield* engine.http.done("POST", `/containers/create?name=${image}`, body)
    yield* engine.http.done("POST", `/containers/${image}/start`)
  })

const containers = (engine: DockerEngine.DockerEngine) => engine.http.read(Running, "/containers/json?all=1")

layer(NodeServices.layer, { excludeTestServices: true })("an engine of a test's own", (it) => {
  it.effect("leaves nothing, frozen, paused, published, or with containers that heed nothing, and others alone", () =>
    Effect.gen(function*() {
      const other = yield* DockerEngine.make()
      yield* TestImages.load(other)
      yield* run(other, "obedient")
      const before = yield* machine("/none")
      const directory = yield* Effect.scoped(Effect.gen(function*() {
        const engine = yield* DockerEngine.make()
        assert.deepStrictEqual(yield* containers(engine), [])
        yield* TestImages.load(engine)
        yield* run(engine, "obedient", {
          ExposedPorts: { "80/tcp": {} },
          HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "80" }] } }
        })
        yield* run(engine, "deaf")
        yield* engine.http.done("POST", "/containers/deaf/pause")
        assert.deepStrictEqual((yield* containers(engine)).map(({ State }) => State).sort(), ["paused", "running"])
        yield* engine.freeze
        return engine.directory
      }))
      assert.isFalse(Fs.existsSync(directory))
      const after = yield* machine(directory)
      assert.deepStrictEqual(after, before)
      assert.deepStrictEqual((yield* containers(other)).map(({ State }) => State), ["running"])
    }))

  it.effect("leaves nothing when who has it is killed", () =>
    Effect.gen(function*() {
      const path = yield* Path.Path
      const owner = yield* ChildProcess.make(
        process.execPath,
        [yield* path.fromFileUrl(new URL("owner.ts", import.meta.url))],
        { stdin: "ignore", stderr: "inherit" }
      )
      const directory = yield* owner.stdout.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.runHead,
        Effect.map(Option.getOrThrow)
      )
      assert.isNotEmpty((yield* machine(directory)).cgroups)
      process.kill(owner.pid, "SIGKILL")
      const none = yield* machine("/none")
      yield* machine(directory).pipe(
        Effect.repeat({
          until: (all) => !Fs.existsSync(directory) && JSON.stringify(all) === JSON.stringify(none),
          schedule: Schedule.spaced("50 millis")
        }),
        Effect.timeout("30 seconds")
      )
    }))

  it.effect("takes its containers with it when it is stopped, unless it restores them", () =>
    Effect.gen(function*() {
      for (const [liveRestore, state] of [[false, "exited"], [true, "running"]] as const) {
        const engine = yield* DockerEngine.make({ liveRestore })
        yield* TestImages.load(engine)
        yield* run(engine, "obedient")
        yield* engine.stop
        yield* engine.start
        assert.deepStrictEqual((yield* containers(engine)).map(({ State }) => State), [state])
      }
    }))
})
