/**
 * A launcher in a process of its own, as a test speaks to it.
 */
import { type Cause, Deferred, Effect, Exit, Fiber, Path, Queue, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { type Answer, type Channel, type Command, ReplyLine, RequestLine } from "./Protocol.ts"

/** The launcher's process ended before it answered. */
export class LauncherEnded extends Schema.TaggedError<LauncherEnded>()("LauncherEnded", {}) {}

/** How long a launcher may take to begin, and to answer. */
const deadline = "60 seconds"

/** Something took longer than anything may. */
const late = (what: string) => Effect.die(`${what} took longer than ${deadline}`)

/**
 * Begins a launcher on a state directory, and returns when it is there. When the scope closes, so does the launcher; its
 * guests run on. What it writes on its files it does in one thread, so that the same commands make the same calls.
 */
export const make = Effect.fnUntraced(function*(stateDirectory: string) {
  const path = yield* Path.Path
  const program = yield* path.fromFileUrl(new URL("launcher.ts", import.meta.url))
  const requests = yield* Queue.unbounded<string, Cause.Done>()
  const waiting = new Map<number, Deferred.Deferred<Answer, LauncherEnded>>()
  const begun = yield* Deferred.make<Answer, LauncherEnded>()
  waiting.set(0, begun)
  let calls = 0
  let hasEnded = false
  let said = ""
  const child = yield* ChildProcess.make(process.execPath, [program, stateDirectory], {
    stdin: Stream.encodeText(Stream.fromQueue(requests)),
    env: { UV_THREADPOOL_SIZE: "1" },
    extendEnv: true,
    additionalFds: { fd3: { type: "output" } },
    forceKillAfter: "1 second"
  })
  const exited = Effect.exit(child.exitCode)
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Queue.end(requests), Effect.interruptible(Effect.timeoutOption(exited, "10 seconds")))
  )
  const read = (stream: typeof child.stdout) =>
    stream.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.mapEffect((line) => Schema.decodeEffect(ReplyLine)(line)),
      Stream.runForEach(({ answer, call }) => {
        const waiter = waiting.get(call)
        waiting.delete(call)
        return waiter === undefined ? Effect.die(`call ${call} is answered twice`) : Deferred.succeed(waiter, answer)
      }),
      // The end of a pipe whose writer was killed.
      Effect.catchTag("PlatformError", () => Effect.void),
      Effect.orDie
    )
  const told = child.stderr.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) =>
      Effect.sync(() => {
        said = `${said}${text}`.slice(-4_000)
      })
    ),
    Effect.ignore
  )
  // All that it answered is known before anybody hears that it ended.
  const ended = yield* Effect.all([read(child.stdout), read(child.getOutputFd(3)), told], {
    concurrency: "unbounded"
  }).pipe(
    Effect.andThen(exited),
    Effect.onExit(() =>
      Effect.sync(() => {
        hasEnded = true
        for (const waiter of waiting.values()) Deferred.doneUnsafe(waiter, Exit.fail(new LauncherEnded()))
      })
    ),
    Effect.forkScoped
  )

  /** Says something, and answers the effect that waits for its answer. */
  const say = Effect.fnUntraced(function*(command: Command, channel: Channel = "main") {
    if (hasEnded) return Effect.fail(new LauncherEnded())
    const call = ++calls
    const waiter = Deferred.makeUnsafe<Answer, LauncherEnded>()
    waiting.set(call, waiter)
    const line = yield* Effect.orDie(Schema.encodeEffect(RequestLine)({ call, channel, command }))
    yield* Queue.offer(requests, `${line}\n`)
    return Deferred.await(waiter).pipe(
      Effect.timeoutOrElse({ duration: deadline, orElse: () => late(`${command._tag}: ${said}`) })
    )
  })

  const ask = (command: Command, channel?: Channel) => Effect.flatten(say(command, channel))

  yield* Deferred.await(begun).pipe(
    Effect.catch(() => Effect.die(`the launcher did not begin: ${said}`)),
    Effect.timeoutOrElse({ duration: deadline, orElse: () => late("the beginning of a launcher") })
  )

  return {
    pid: Number(child.pid),
    say,
    /** Says something, and waits for its answer. */
    ask,
    /** All instances. */
    list: Effect.flatMap(
      ask({ _tag: "List" }),
      (answer) =>
        answer._tag === "Instances" ? Effect.succeed(answer.instances) : Effect.die(`it answered ${answer._tag}`)
    ),
    /** Completes when the process has ended, and all that it answered is known. */
    ended: Effect.asVoid(Fiber.join(ended)),
    /** Whether it has ended. */
    hasEnded: () => hasEnded,
    /** What it said on its standard error last. */
    said: () => said,
    /** Kills the process, which gets no chance to do anything about it. */
    kill: Effect.andThen(Effect.sync(() => process.kill(Number(child.pid), "SIGKILL")), Fiber.join(ended))
  }
})

/** A launcher's process, as a test speaks to it. */
export type LauncherProcess = Effect.Success<ReturnType<typeof make>>
