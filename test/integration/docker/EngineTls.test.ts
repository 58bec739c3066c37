/**
 * An engine on another host: by TCP with TLS, as DOCKER_HOST and its like say.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Fiber, FileSystem, Layer, Stream } from "effect"
import * as ContainerOutput from "../../../src/docker/ContainerOutput.ts"
import * as Containers from "../../../src/docker/Containers.ts"
import * as EngineClient from "../../../src/docker/EngineClient.ts"
import * as EngineEndpoint from "../../../src/docker/EngineEndpoint.ts"
import * as EngineEvent from "../../../src/docker/EngineEvent.ts"
import * as System from "../../../src/docker/System.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as TlsProxy from "../../host/docker/TlsProxy.ts"

const engine = Effect.tap(DockerEngine.make(), TestImages.load)

/** The client of the engine at a port, with the certificates of a directory. */
const client = Effect.fnUntraced(function*(port: number, certificates: string) {
  const endpoint = yield* EngineEndpoint.fromEnvironment.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({
        DOCKER_HOST: `tcp://127.0.0.1:${port}`,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: certificates
      })
    )
  )
  const { connect } = endpoint
  const built = yield* Layer.build(
    EngineClient.layer({ endpoint, callDeadline: "5 seconds" }).pipe(
      Layer.provide(Layer.fresh(
        Layer.provide(NodeHttpClient.layerUndiciNoDispatcher, NodeHttpClient.layerDispatcherOptions({ connect }))
      ))
    )
  )
  return Context.get(built, EngineClient.EngineClient)
})

layer(NodeServices.layer, { excludeTestServices: true })("an engine behind TLS", (it) => {
  it.effect("is spoken to by whom it has certified: calls, streams and connections; others are refused, and refuse it", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { socket } = yield* engine
      const own = yield* TlsProxy.certify(yield* fs.makeTempDirectoryScoped({ prefix: "tls-" }))
      const strange = yield* TlsProxy.certify(yield* fs.makeTempDirectoryScoped({ prefix: "tls-" }))
      const { port } = yield* TlsProxy.make(socket, own)

      const docker = yield* client(port, own)
      assert.strictEqual(yield* docker.apiVersion, (yield* docker.execute(System.version)).ApiVersion)
      const { Id } = yield* docker.execute(Containers.create("guest", {
        Image: TestImages.reference("obedient"),
        Cmd: ["/bin/sh", "-c", "read line; echo got $line"],
        OpenStdin: true
      }))
      const events = yield* docker.begin(EngineEvent.events({ types: ["container"], actions: ["die"] }))
      const said = yield* Effect.scoped(Effect.gen(function*() {
        const socket = yield* docker.upgrade(Containers.attach(Id, { input: true }))
        const output = ContainerOutput.fromSocket(socket, { tty: false, call: "attach" })
        const reading = yield* Effect.forkChild(
          Stream.mkString(Stream.decodeText(Stream.map(output, ({ bytes }) => bytes))),
          { startImmediately: true }
        )
        yield* docker.execute(Containers.start(Id))
        const { write } = yield* socket.writer
        yield* write("words\n")
        return yield* Fiber.join(reading)
      }))
      assert.strictEqual(said, "got words\n")
      const [died] = yield* Stream.runCollect(Stream.take(events, 1))
      assert.strictEqual(died?.Actor.ID, Id)

      // The engine does not know who certified that client, which does not know who certified the engine.
      const asked = yield* Effect.flip((yield* client(port, strange)).apiVersion)
      assert.include(["ConnectFailed", "Disconnected"], asked.reason._tag)
      assert.match(asked.message, /certificate/)
      // It trusts the engine, and has nothing to show that the engine knows.
      const mixed = yield* fs.makeTempDirectoryScoped({ prefix: "tls-" })
      for (const [from, name] of [[own, "ca"], [strange, "cert"], [strange, "key"]] as const) {
        yield* fs.copyFile(`${from}/${name}.pem`, `${mixed}/${name}.pem`)
      }
      const shown = yield* Effect.flip((yield* client(port, mixed)).apiVersion)
      assert.include(["ConnectFailed", "Disconnected"], shown.reason._tag)
    }))
})
