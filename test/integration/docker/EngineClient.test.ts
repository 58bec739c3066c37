/**
 * The client on a real engine.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, FileSystem, Layer, Option, Stream } from "effect"
import * as ContainerOutput from "../../../src/docker/ContainerOutput.ts"
import * as Containers from "../../../src/docker/Containers.ts"
import * as ContainerWait from "../../../src/docker/ContainerWait.ts"
import type { EngineCall } from "../../../src/docker/EngineCall.ts"
import { EngineClient, type Shape } from "../../../src/docker/EngineClient.ts"
import type { EngineError } from "../../../src/docker/EngineError.ts"
import * as EngineEvent from "../../../src/docker/EngineEvent.ts"
import * as Exec from "../../../src/docker/Exec.ts"
import * as Images from "../../../src/docker/Images.ts"
import * as System from "../../../src/docker/System.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"

class Engine extends Context.Service<Engine, DockerEngine.DockerEngine>()("vivarium/Engine") {}

const engine = Layer.effect(Engine, Effect.tap(DockerEngine.make(), TestImages.load))

/** A client with connections of its own. */
const clientWith = (options: Parameters<typeof EngineAccess.client>[1]) =>
  Effect.flatMap(
    Engine,
    ({ socket }) =>
      Effect.map(Layer.build(EngineAccess.client(socket, options)), (built) => Context.get(built, EngineClient))
  )

const client = clientWith({ callDeadline: "5 seconds" })

/** A container that is gone with the scope. */
const container = Effect.fnUntraced(function*(client: Shape, request: Containers.CreateRequest, name: string) {
  const { Id } = yield* client.execute(Containers.create(name, request))
  yield* Effect.addFinalizer(() => Effect.ignore(client.execute(Containers.remove(Id, { force: true }))))
  return Id
})

const image = TestImages.reference("obedient")

const text = (output: Stream.Stream<ContainerOutput.Output, EngineError>) =>
  Effect.map(Stream.runCollect(output), (all) => {
    const said: Partial<Record<string, string>> = {}
    for (const { bytes, source } of all) said[source] = (said[source] ?? "") + Buffer.from(bytes).toString()
    return said
  })

layer(Layer.provideMerge(engine, NodeServices.layer), { excludeTestServices: true })("EngineClient", (it) => {
  it.effect("negotiates the newest version that both speak", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const about = yield* engine.execute(System.version)
      assert.strictEqual(yield* engine.apiVersion, about.ApiVersion)
      assert.strictEqual(about.Os, "linux")
    }))

  it.effect("tells refusals apart, in the engine's words", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const failure = <A>(call: EngineCall<A>) =>
        Effect.map(Effect.flip(engine.execute(call)), ({ message, reason }) => [reason._tag, message] as const)
      assert.deepStrictEqual(yield* failure(Containers.inspect("none")), [
        "NotFound",
        "GET /containers/none/json: No such container: none"
      ])
      const id = yield* container(engine, { Image: image }, "twice")
      const [again, why] = yield* failure(Containers.create("twice", { Image: image }))
      assert.strictEqual(again, "Conflict")
      assert.include(why, "already in use")
      const [wrong] = yield* failure(Containers.create("not/a/name", { Image: image }))
      assert.strictEqual(wrong, "BadParameter")
      const [stopped, words] = yield* failure(Containers.kill(id, "SIGKILL"))
      assert.strictEqual(stopped, "Conflict")
      assert.include(words, "is not running")
    }))

  it.effect("has its names and ids leave no path", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const { reason } = yield* Effect.flip(engine.execute(Containers.inspect("../info?x=")))
      assert.include(["NotFound", "EngineFailed"], reason._tag)
    }))

  for (const tty of [false, true]) {
    it.effect(`a container's output is told ${tty ? "with" : "without"} a TTY, by its log and by attaching`, () =>
      Effect.gen(function*() {
        const engine = yield* client
        const id = yield* container(engine, {
          Image: image,
          Cmd: ["/bin/sh", "-c", "echo out; echo err >&2; read line; echo got $line; exit 3"],
          OpenStdin: true,
          Tty: tty
        }, `output-${tty}`)
        const attached = yield* Effect.scoped(Effect.gen(function*() {
          const socket = yield* engine.upgrade(Containers.attach(id, { input: true }))
          const reading = yield* Effect.forkChild(text(ContainerOutput.fromSocket(socket, { tty, call: "attach" })), {
            startImmediately: true
          })
          yield* engine.execute(Containers.start(id))
          const { write } = yield* socket.writer
          yield* write("words\n")
          assert.strictEqual(yield* ContainerWait.untilStopped(engine, id), 3)
          return yield* Fiber.join(reading)
        }))
        const logged = yield* text(
          ContainerOutput.fromBytes(engine.bytes(Containers.logs(id, { follow: true })), { tty, call: "logs" })
        )
        if (tty) {
          for (const { stdout } of [attached, logged]) {
            for (const words of ["out\r\n", "err\r\n", "got words\r\n"]) assert.include(stdout, words)
          }
        } else {
          const expected = { stdout: "out\ngot words\n", stderr: "err\n" }
          assert.deepStrictEqual([attached, logged], [expected, expected])
        }
      }))
  }

  it.effect("a program is run in a container, with its input, its output and its exit code", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const id = yield* container(engine, { Image: image }, "exec")
      yield* engine.execute(Containers.start(id))
      const { Id } = yield* engine.execute(
        Exec.create(id, {
          command: ["/bin/sh", "-c", "read line; echo $GREETING $line; exit 4"],
          environment: { GREETING: "hello" },
          input: true
        })
      )
      const said = yield* Effect.scoped(Effect.gen(function*() {
        const socket = yield* engine.upgrade(Exec.start(Id))
        const { write } = yield* socket.writer
        yield* Effect.forkScoped(write("world\n"))
        return yield* text(ContainerOutput.fromSocket(socket, { tty: false, call: "exec" }))
      }))
      assert.deepStrictEqual(said, { stdout: "hello world\n" })
      const { ExitCode, Running } = yield* engine.execute(Exec.inspect(Id))
      assert.deepStrictEqual([Running, ExitCode], [false, 4])
    }))

  it.effect("events and stats are streams, and what is filtered out does not come", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const seen = yield* Effect.scoped(Effect.gen(function*() {
        const events = yield* engine.begin(
          EngineEvent.events({ types: ["container"], actions: ["start", "die", "destroy"], labels: ["mine=yes"] })
        )
        const listening = yield* Effect.forkScoped(
          Stream.runCollect(Stream.takeUntil(events, ({ Action }) => Action === "destroy"))
        )
        for (const mine of ["no", "yes"]) {
          const id = yield* container(engine, {
            Image: TestImages.reference("brief"),
            Labels: { mine }
          }, `events-${mine}`)
          yield* engine.execute(Containers.start(id))
          yield* ContainerWait.untilStopped(engine, id)
          yield* engine.execute(Containers.remove(id))
        }
        return yield* Fiber.join(listening)
      }))
      assert.deepStrictEqual(
        seen.map(({ Action, Actor }) => [Action, Actor.Attributes?.["exitCode"]]),
        [["start", undefined], ["die", "7"], ["destroy", undefined]]
      )
      const id = yield* container(engine, { Image: image }, "stats")
      yield* engine.execute(Containers.start(id))
      const samples = yield* Stream.runCollect(Stream.take(engine.stream(Containers.statsStream(id)), 2))
      assert.strictEqual(samples.length, 2)
      assert.isAbove(samples[1]?.memory_stats?.usage ?? 0, 0)
    }))

  it.effect("a stop waits for as long as it takes, and is given the image's signal", () =>
    Effect.gen(function*() {
      const engine = yield* client
      const id = yield* container(engine, { Image: TestImages.reference("peculiar") }, "peculiar")
      yield* engine.execute(Containers.start(id))
      const started = yield* engine.execute(Containers.inspect(id))
      assert.strictEqual(started.Config.StopSignal, "SIGUSR1")
      const log = ContainerOutput.fromBytes(engine.bytes(Containers.logs(id, { follow: true })), {
        tty: false,
        call: "logs"
      })
      yield* Stream.runDrain(
        Stream.takeUntil(log, ({ bytes }) => Buffer.from(bytes).toString().includes(TestImages.ready))
      )
      yield* engine.execute(Containers.stop(id, 60), { deadline: "90 seconds" })
      assert.strictEqual((yield* engine.execute(Containers.inspect(id))).State.ExitCode, 0)
    }))

  describe("interrupting closes the connection, as its other end sees:", () => {
    const calls: ReadonlyArray<
      readonly [string, RegExp, (engine: Shape, id: string) => Effect.Effect<unknown, EngineError>]
    > = [
      ["a call that waits", /\/wait/, (engine, id) => engine.execute(Containers.wait(id, "not-running"))],
      ["events", /\/events/, (engine) => Stream.runDrain(engine.stream(EngineEvent.events()))],
      [
        "a log that is followed",
        /\/logs/,
        (engine, id) => Stream.runDrain(engine.bytes(Containers.logs(id, { follow: true })))
      ],
      ["stats", /\/stats/, (engine, id) => Stream.runDrain(engine.stream(Containers.statsStream(id)))],
      [
        "what is attached",
        /\/attach/,
        (engine, id) =>
          Effect.scoped(Effect.flatMap(
            engine.upgrade(Containers.attach(id)),
            (socket) => Stream.runDrain(ContainerOutput.fromSocket(socket, { tty: false, call: "attach" }))
          ))
      ],
      [
        "what is attached and not read",
        /\/attach/,
        (engine, id) => Effect.scoped(Effect.andThen(engine.upgrade(Containers.attach(id)), Effect.never))
      ]
    ]
    for (const [index, [name, pattern, call]] of calls.entries()) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const fs = yield* FileSystem.FileSystem
          const { socket } = yield* Engine
          const relay = yield* EngineRelay.make(socket, `${yield* fs.makeTempDirectoryScoped({ prefix: "ec-" })}/s`)
          const built = yield* Layer.build(EngineAccess.client(relay.socket))
          const engine = Context.get(built, EngineClient)
          const id = yield* container(yield* client, { Image: TestImages.reference("deaf") }, `interrupted-${index}`)
          yield* engine.execute(Containers.start(id))
          const fiber = yield* Effect.forkChild(call(engine, id), { startImmediately: true })
          yield* Gate.until("the call has no connection", () => relay.open(pattern) === 1)
          yield* Fiber.interrupt(fiber)
          yield* Gate.until("the call's connection is still there", () => relay.open(pattern) === 0)
        }))
    }
  })

  it.effect("a frozen engine runs into deadlines, and is answered by again when it has thawed", () =>
    Effect.gen(function*() {
      const { freeze, thaw } = yield* Engine
      const engine = yield* clientWith({ callDeadline: "300 millis" })
      yield* engine.apiVersion
      yield* freeze
      yield* Effect.gen(function*() {
        const { reason: silent } = yield* Effect.flip(engine.execute(Containers.list()))
        assert.strictEqual(silent._tag, "DeadlineExceeded")
        const { reason } = yield* Effect.flip(Stream.runDrain(engine.stream(EngineEvent.events())))
        assert.strictEqual(reason._tag, "DeadlineExceeded")
      }).pipe(Effect.ensuring(thaw))
      yield* Gate.within(
        "the engine does not answer again",
        Effect.eventually(engine.execute(Containers.list()))
      )
    }))

  it.effect("an engine that ends is away, streams of it break, and it is spoken to again when it is back", () =>
    Effect.gen(function*() {
      const engine = yield* Engine
      const own = yield* client
      const begun = yield* Deferred.make<void>()
      const broken = yield* Effect.forkChild(
        Effect.scoped(Effect.gen(function*() {
          const events = yield* own.begin(EngineEvent.events())
          yield* Deferred.succeed(begun, undefined)
          return yield* Effect.exit(Stream.runDrain(events))
        }))
      )
      yield* Deferred.await(begun)
      yield* engine.kill
      yield* Fiber.join(broken)
      const { reason } = yield* Effect.flip(own.execute(System.ping))
      assert.include(["ConnectFailed", "Disconnected"], reason._tag)
      const { reason: then } = yield* Effect.flip(own.execute(System.ping))
      assert.strictEqual(then._tag, "ConnectFailed")
      yield* engine.start
      yield* own.execute(System.ping)
      assert.isAbove((yield* own.execute(Images.list())).length, 0)
    }))

  it.effect("nobody listens at a socket that is not there", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const built = yield* Layer.build(EngineAccess.client(`${directory}/none.sock`))
      const error = yield* Effect.flip(Context.get(built, EngineClient).apiVersion)
      assert.strictEqual(error.reason._tag, "ConnectFailed")
      assert.include(error.message, `unix://${directory}/none.sock`)
      assert.isTrue(Option.isNone(yield* Effect.option(Context.get(built, EngineClient).execute(System.ping))))
    }))
})
