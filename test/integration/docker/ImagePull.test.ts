/**
 * Pulling from real registries, with real credentials, and sharing pulls.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Fiber, FileSystem, Layer, Option, Stream } from "effect"
import { DockerConfig } from "../../../src/backend/docker/DockerConfig.ts"
import * as ImagePulls from "../../../src/backend/docker/ImagePulls.ts"
import { EngineClient } from "../../../src/docker/EngineClient.ts"
import * as ImagePull from "../../../src/docker/ImagePull.ts"
import * as ImageReference from "../../../src/docker/ImageReference.ts"
import * as Images from "../../../src/docker/Images.ts"
import * as RegistryCredentials from "../../../src/docker/RegistryCredentials.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as Registry from "../../host/docker/Registry.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"

/** An engine, and registries that have an image each. */
class Place extends Context.Service<Place, {
  readonly engine: DockerEngine.DockerEngine
  readonly open: Registry.Registry
  readonly guarded: Registry.Registry
  readonly stalling: Effect.Success<ReturnType<typeof Registry.stalling>>
}>()("vivarium/Place") {}

const place = Layer.effect(
  Place,
  Effect.gen(function*() {
    const engine = yield* DockerEngine.make()
    yield* TestImages.load(engine)
    const open = yield* Registry.make(engine, "open")
    const guarded = yield* Registry.make(engine, "guarded")
    const stalling = yield* Registry.stalling(engine)
    for (const image of ["brief", "bulky"] as const) yield* open.push(image)
    yield* guarded.push("brief")
    // So that each pull fetches the large layer.
    yield* Effect.orDie(engine.http.done("DELETE", `/images/${TestImages.reference("bulky")}`))
    return { engine, open, guarded, stalling }
  })
)

const relayed = Effect.gen(function*() {
  const { engine } = yield* Place
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "pull-" })
  const relay = yield* EngineRelay.make(engine.socket, `${directory}/engine.sock`)
  const client = Context.get(yield* Layer.build(EngineAccess.client(relay.socket)), EngineClient)
  return { client, directory, relay }
})

const parse = (text: string) => Option.getOrThrow(ImageReference.parse(text))

const has = (client: EngineClient["Service"], reference: string) =>
  Effect.map(Effect.option(client.execute(Images.inspect(reference))), Option.isSome)

const remove = (client: EngineClient["Service"], reference: string) =>
  Effect.ignore(client.execute(Images.remove(reference)))

/** Has programs of a directory found by their names, as long as the scope is open. */
const onPath = (directory: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { PATH } = process.env
      process.env["PATH"] = `${directory}:${PATH}`
      return PATH
    }),
    (before) =>
      Effect.sync(() => {
        process.env["PATH"] = before
      })
  )

const pulls = /^POST .*\/images\/create/

layer(Layer.provideMerge(place, NodeServices.layer), { excludeTestServices: true })("pulling an image", (it) => {
  it.effect("tells how far it has come, and the image is there", () =>
    Effect.gen(function*() {
      const { open } = yield* Place
      const { client } = yield* relayed
      const reference = open.reference("bulky")
      const progress = yield* Stream.runCollect(ImagePull.pull(client, parse(reference), undefined))
      assert.isAbove(progress.length, 0)
      for (const [index, { doneBytes, totalBytes }] of progress.entries()) {
        assert.isAtLeast(doneBytes, progress[index - 1]?.doneBytes ?? 0)
        assert.isAtMost(doneBytes, totalBytes ?? Infinity)
      }
      assert.isAtLeast(progress.at(-1)?.doneBytes ?? 0, 8 * 1024 * 1024)
      assert.isTrue(yield* has(client, reference))
      yield* remove(client, reference)
    }))

  it.effect("what is not found, denied or unreachable is told apart", () =>
    Effect.gen(function*() {
      const { guarded, open } = yield* Place
      const { client } = yield* relayed
      const trouble = (reference: string, auth?: string) =>
        Effect.map(
          Effect.flip(Stream.runDrain(ImagePull.pull(client, parse(reference), auth))),
          ({ reason }) => reason._tag === "PullFailed" ? reason.trouble : reason._tag
        )
      assert.strictEqual(yield* trouble(open.reference("bulky").replace("bulky", "nothing")), "not-found")
      assert.strictEqual(yield* trouble(open.reference("brief").replace(/:1$/, ":2")), "not-found")
      assert.strictEqual(yield* trouble(guarded.reference("brief")), "denied")
      assert.strictEqual(yield* trouble(`${Registry.unreachable}/brief:1`), "unreachable")
    }))

  it.effect("uses the credentials of a login, and those of a helper", () =>
    Effect.gen(function*() {
      const { guarded } = yield* Place
      const { client, directory } = yield* relayed
      const fs = yield* FileSystem.FileSystem
      const { password, username } = Registry.user
      const reference = guarded.reference("brief")
      const { registry } = parse(reference)
      const helper = (script: string) =>
        fs.writeFileString(`${directory}/docker-credential-vivarium`, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
      yield* onPath(directory)
      const write = (config: unknown) => fs.writeFileString(`${directory}/config.json`, JSON.stringify(config))
      const pull = Effect.flatMap(
        RegistryCredentials.find(registry, directory),
        (auth) => Stream.runDrain(ImagePull.pull(client, parse(reference), auth))
      )
      yield* write({ auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } } })
      yield* pull
      assert.isTrue(yield* has(client, reference))
      yield* remove(client, reference)
      yield* write({ auths: { [registry]: { auth: Buffer.from(`${username}:wrong`).toString("base64") } } })
      const { reason } = yield* Effect.flip(pull)
      assert.strictEqual(reason._tag === "PullFailed" ? reason.trouble : reason._tag, "denied")

      // What a helper knows, which is asked for by the registry's name.
      yield* write({ auths: {}, credHelpers: { [registry]: "vivarium" } })
      yield* helper(`read -r registry; [ "$registry" = ${registry} ] && [ "$1" = get ] || exit 1
        echo '{"Username": "${username}", "Secret": "${password}"}'`)
      yield* pull
      assert.isTrue(yield* has(client, reference))
      yield* remove(client, reference)
      yield* helper("echo credentials not found in native keychain; exit 1")
      const { reason: nothing } = yield* Effect.flip(pull)
      assert.strictEqual(nothing._tag === "PullFailed" ? nothing.trouble : nothing._tag, "denied")
      yield* helper("echo the key ring is locked; exit 2")
      const locked = yield* Effect.flip(pull)
      assert.strictEqual(locked.reason._tag, "BadCredentials")
      assert.include(locked.message, "the key ring is locked")
    }))

  it.effect("for which there is no room leaves nothing, says so, and is done when there is", () =>
    Effect.gen(function*() {
      const { engine, open } = yield* Place
      const { client, directory } = yield* relayed
      const image = open.reference("bulky")
      const source = { kind: "container", image } as const
      const { ensure, isThere } = yield* ImagePulls.make(
        client,
        DockerConfig.make({ stateDirectory: directory, credentialsDirectory: directory })
      )
      // What is there already, and half of the large layer.
      yield* engine.limit((yield* engine.used) + 4 * 1024 * 1024)
      const { reason } = yield* Effect.flip(Stream.runDrain(ensure(source)))
      assert.strictEqual(reason._tag, "NoSpace")
      assert.isFalse(yield* isThere(source))
      yield* engine.limit(1024 ** 3)
      yield* Stream.runDrain(ensure(source))
      assert.isTrue(yield* isThere(source))
      yield* remove(client, image)
    }))

  it.effect("that is interrupted leaves nothing, and the engine has given up on it", () =>
    Effect.gen(function*() {
      const { stalling } = yield* Place
      const { client, relay } = yield* relayed
      const reference = stalling.reference("bulky")
      const fiber = yield* Effect.forkChild(Stream.runDrain(ImagePull.pull(client, parse(reference), undefined)))
      yield* Gate.until("nothing is pulled", () => relay.open(pulls) === 1)
      yield* Fiber.interrupt(fiber)
      yield* Gate.until("the pull's connection is still there", () => relay.open(pulls) === 0)
      assert.isFalse(yield* has(client, reference))
      assert.strictEqual(
        (yield* client.execute(Images.list())).some(({ RepoTags }) => RepoTags?.includes(reference) === true),
        false
      )
    }))

  it.effect("is shared by those who want it at once, and cancelled when the last has lost interest", () =>
    Effect.gen(function*() {
      const { stalling } = yield* Place
      const { client, directory, relay } = yield* relayed
      const image = stalling.reference("bulky")
      const source = { kind: "container", image } as const
      const shared = yield* ImagePulls.make(
        client,
        DockerConfig.make({ stateDirectory: directory, credentialsDirectory: directory })
      )
      const want = Effect.forkChild(Stream.runDrain(shared.ensure(source)), { startImmediately: true })
      const [first, second] = [yield* want, yield* want]
      yield* Gate.until("nothing is pulled", () => relay.open(pulls) === 1)
      yield* Fiber.interrupt(first)
      yield* client.execute(Images.list())
      assert.strictEqual(relay.open(pulls), 1)
      yield* Fiber.interrupt(second)
      yield* Gate.until("nobody wants it, and it is pulled", () => relay.open(pulls) === 0)
      assert.isFalse(yield* shared.isThere(source))

      const [third, fourth] = [yield* want, yield* want]
      yield* Gate.until("nothing is pulled", () => relay.open(pulls) === 1)
      yield* stalling.release
      yield* Fiber.join(third)
      yield* Fiber.join(fourth)
      assert.isTrue(yield* shared.isThere(source))
      assert.deepStrictEqual(yield* Stream.runCollect(shared.ensure(source)), [])
      yield* remove(client, image)
    }))
})
