/**
 * A launcher in a process of its own: `launcher.ts STATE_DIRECTORY`. It does what it is told on standard input, many things
 * at once, and closes when that ends. Its guests run on. It answers on standard output, or aside on descriptor 3.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { writeSync } from "node:fs"
import { Effect, Layer, Logger, Schema, Stdio, Stream } from "effect"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../../src/launcher/LauncherError.ts"
import * as Node from "./Node.ts"
import { Answer, type Channel, type Command, ReplyLine, RequestLine } from "./Protocol.ts"

const look = Effect.gen(function*() {
  const { incarnation, list } = yield* Launcher
  const instances = (yield* list).map(({ spec: { id }, starts, state, volumes }) => ({
    id,
    state,
    volumes,
    starts
  }))
  return Answer.cases.Instances.make({ incarnation, instances })
})

const perform = (command: Command): Effect.Effect<Answer, LauncherError, Launcher> =>
  Effect.gen(function*() {
    const launcher = yield* Launcher
    switch (command._tag) {
      case "Start":
        yield* launcher.start(command.spec)
        break
      case "Stop":
        yield* launcher.stop(command.id)
        break
      case "Delete":
        yield* launcher.delete(command.id)
        break
      case "Pause":
        yield* launcher.pause(command.id)
        break
      case "Resume":
        yield* launcher.resume(command.id)
        break
      case "Attach":
        yield* launcher.attach(command.id, { id: command.volume })
        break
      case "Detach":
        yield* launcher.detach(command.id, command.volume)
        break
      case "List":
        return yield* look
    }
    return Answer.cases.Done.make({})
  })

/** An answer is in the pipe when this returns: who reads it knows it, also if this process is killed right then. */
const reply = (channel: Channel, call: number, answer: Answer) =>
  Effect.map(Schema.encodeEffect(ReplyLine)({ call, answer }), (line) => {
    writeSync(channel === "main" ? 1 : 3, `${line}\n`)
  })

const serve = Effect.gen(function*() {
  const { stdin } = yield* Stdio.Stdio
  yield* reply("main", 0, Answer.cases.Done.make({}))
  yield* stdin.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect((line) => Schema.decodeEffect(RequestLine)(line)),
    Stream.runForEach(({ call, channel, command }) =>
      perform(command).pipe(
        Effect.catch(({ code, message }) => Effect.succeed(Answer.cases.Failed.make({ code, message }))),
        Effect.flatMap((answer) => reply(channel, call, answer)),
        Effect.forkScoped
      )
    )
  )
})

const main = Effect.gen(function*() {
  const [stateDirectory] = yield* Effect.flatMap(Stdio.Stdio, ({ args }) => args)
  if (stateDirectory === undefined) return yield* Effect.die("launcher.ts: which state directory?")
  yield* Effect.scoped(serve).pipe(Effect.provide(Node.layer(stateDirectory)))
})

main.pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
