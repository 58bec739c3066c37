/**
 * A launcher in a process of its own, as the demo speaks to it.
 */
import { type Cause, Effect, Path, Queue, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { Reply, ReplyLine, type Request, RequestLine } from "./Protocol.ts"

/** Something that the demo wanted was not so. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { message: Schema.String }) {}

/** How long a launcher may take to delete everything and end. */
const endDeadline = "20 seconds"

/**
 * Starts a launcher on a state directory, with what else its process is to be told. When the scope closes, the process is told that nobody is there any more, upon
 * which it deletes what it runs, unless it was told to leave or was killed.
 */
export const make = Effect.fnUntraced(function*(stateDirectory: string, others: ReadonlyArray<string>) {
  const path = yield* Path.Path
  const program = yield* path.fromFileUrl(new URL("launcher.ts", import.meta.url))
  const requests = yield* Queue.unbounded<string, Cause.Done>()
  const replies = yield* Queue.unbounded<Reply, Cause.Done>()
  // In a process group of its own, so that a Ctrl-C reaches the demo alone, which then ends it in an orderly way.
  const child = yield* ChildProcess.make(process.execPath, [program, stateDirectory, ...others], {
    stdin: Stream.encodeText(Stream.fromQueue(requests)),
    stderr: "inherit",
    detached: true,
    forceKillAfter: "1 second"
  })
  const exited = Effect.exit(child.exitCode)
  yield* Effect.addFinalizer(() =>
    Queue.end(requests).pipe(
      Effect.andThen(Effect.interruptible(Effect.timeoutOption(exited, endDeadline)))
    )
  )
  yield* child.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect((line) => Schema.decodeEffect(ReplyLine)(line)),
    Stream.runForEach((reply) => Queue.offer(replies, reply)),
    Effect.ignore,
    Effect.andThen(Queue.end(replies)),
    Effect.forkScoped
  )

  const say = (request: Request) =>
    Effect.orDie(Schema.encodeEffect(RequestLine)(request)).pipe(
      Effect.flatMap((line) => Queue.offer(requests, `${line}\n`))
    )

  /** Asks for something, and answers a reply of this kind. */
  const ask = Effect.fnUntraced(function*<Tag extends Reply["_tag"]>(request: Request, tag: Tag) {
    yield* say(request)
    const reply = yield* Queue.take(replies).pipe(
      Effect.mapError(() => new DemoFailed({ message: "the launcher's process ended" }))
    )
    if (Reply.guards.Failed(reply)) return yield* new DemoFailed({ message: reply.message })
    if (!isTagged(reply, tag)) return yield* new DemoFailed({ message: `the launcher answered ${reply._tag}` })
    return reply
  })

  return {
    pid: child.pid,
    ask,
    /** Closes the launcher, and leaves its guests. */
    leave: say({ _tag: "Leave" }).pipe(Effect.andThen(Queue.end(requests)), Effect.andThen(exited)),
    /** Kills the process, which gets no chance to do anything about it. */
    kill: Effect.andThen(Effect.sync(() => process.kill(child.pid, "SIGKILL")), exited)
  }
})

/** A launcher's process, as the demo speaks to it. */
export type LauncherProcess = Effect.Success<ReturnType<typeof make>>

const isTagged = <Tag extends Reply["_tag"]>(
  reply: Reply,
  tag: Tag
): reply is Extract<Reply, { readonly _tag: Tag }> => reply._tag === tag
