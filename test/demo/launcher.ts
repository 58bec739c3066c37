/**
 * The process that runs the demo's launcher: `launcher.ts STATE_DIRECTORY [DOCKER_SOCKET VOLUMES_DIRECTORY]`, told what to do on
 * standard input. It runs containers where there is a Docker Engine for them, otherwise virtual machines.
 *
 * When that ends, so has the demo, however it did. Then this process deletes every instance, and the state directory.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Deferred, Effect, FileSystem, Layer, Logger, Option, Queue, Schema, Stdio, Stream } from "effect"
import { Launcher } from "../../src/launcher/Launcher.ts"
import * as StartPayload from "../../src/payload/StartPayload.ts"
import { Virtualizers } from "../../src/Virtualizer.ts"
import * as Node from "./Node.ts"
import { Reply, ReplyLine, type Request, RequestLine } from "./Protocol.ts"

const look = Effect.gen(function*() {
  const launcher = yield* Launcher
  const virtualizers = yield* Virtualizers
  const guests = yield* Effect.forEach(virtualizers.values(), ({ discover }) => Stream.runCollect(discover))
  return Reply.cases.Node.make({
    incarnation: launcher.incarnation,
    instances: (yield* launcher.list).map(({ spec, state }) => ({ id: spec.id, state: state._tag })),
    guests: guests.flat()
  })
})

const awaitLine = Effect.fnUntraced(function*({ id, text }: typeof Request.cases.Await.Type) {
  const console = yield* Effect.flatMap(Launcher, (launcher) => launcher.console(id))
  const line = yield* console.log({ follow: true }).pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((line) => line.includes(text)),
    Stream.runHead,
    Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => Effect.succeedNone })
  )
  return Option.match(line, {
    onNone: () => Reply.cases.Failed.make({ message: `the guest did not say ${text}` }),
    onSome: (line) => Reply.cases.Line.make({ line: line.trim() })
  })
})

type Job = Exclude<Request, { readonly _tag: "Leave" }>

const perform = Effect.fnUntraced(function*(request: Job) {
  const launcher = yield* Launcher
  switch (request._tag) {
    case "Look":
      return yield* look
    case "Start":
      yield* launcher.start((yield* StartPayload.decode(request.payload)).spec)
      break
    case "Await":
      return yield* awaitLine(request)
    case "Measure":
      return Reply.cases.Stats.make({ stats: yield* launcher.stats(request.id) })
    case "Attach":
      yield* launcher.attach(request.id, { id: request.volume })
      break
    case "Detach":
      yield* launcher.detach(request.id, request.volume)
      break
    case "Stop":
      yield* launcher.stop(request.id)
      break
    case "Delete":
      yield* launcher.delete(request.id)
      break
  }
  return Reply.cases.Done.make({})
})

/** Does what it is told. Answers whether it was told to leave; otherwise nobody is there any more. */
const serve = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const requests = yield* Queue.unbounded<Job>()
  const left = yield* Deferred.make<boolean>()
  yield* stdio.stdin.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect((line) => Schema.decodeEffect(RequestLine)(line)),
    Stream.runForEach((request) =>
      request._tag === "Leave" ? Deferred.succeed(left, true) : Queue.offer(requests, request)
    ),
    Effect.ignore,
    Effect.andThen(Deferred.succeed(left, false)),
    Effect.forkScoped
  )
  const reply = (reply: Reply) =>
    Schema.encodeEffect(ReplyLine)(reply).pipe(
      Effect.flatMap((line) => Stream.run(Stream.make(`${line}\n`), stdio.stdout({ endOnDone: false })))
    )
  const answer = Effect.gen(function*() {
    for (;;) {
      const request = yield* Queue.take(requests)
      const outcome = perform(request).pipe(
        Effect.catch((error) => Effect.succeed(Reply.cases.Failed.make({ message: error.message })))
      )
      yield* Effect.flatMap(outcome, reply)
    }
  })
  // What is being done for somebody who is gone is interrupted, and undone.
  return yield* Effect.raceFirst(answer, Deferred.await(left))
})

/** An engine of the demo's own ends with the demo, however that ended: then nobody deletes containers any more. */
const deleteDeadline = "15 seconds"

const deleteAll = Effect.gen(function*() {
  const launcher = yield* Launcher
  yield* Effect.forEach(yield* launcher.list, ({ spec }) => Effect.ignore(launcher.delete(spec.id)), {
    concurrency: "unbounded",
    discard: true
  })
}).pipe(Effect.timeoutOption(deleteDeadline))

const main = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const [stateDirectory, socket, volumesDirectory] = yield* Effect.flatMap(Stdio.Stdio, ({ args }) => args)
  if (stateDirectory === undefined) return yield* Effect.die("launcher.ts: which state directory?")
  const node = socket === undefined || volumesDirectory === undefined
    ? Node.qemu(stateDirectory)
    : Node.docker(stateDirectory, socket, volumesDirectory)
  const left = yield* Effect.scoped(serve).pipe(
    Effect.onExit((exit) => exit._tag === "Success" && exit.value ? Effect.void : deleteAll),
    Effect.provide(node)
  )
  if (!left) yield* fs.remove(stateDirectory, { recursive: true, force: true })
})

main.pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
