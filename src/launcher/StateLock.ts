/**
 * One launcher for each state directory.
 *
 * The lock is the kernel's: an open file description of `flock(1)`, in a child that lives as long as a pipe from this
 * process. The kernel frees it when this process ends, however it ends, and no recycled pid can be taken for its holder.
 */
import { Effect, FileSystem, Option, Schema, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { StoreError } from "./InstanceStore.ts"

/** Who holds a lock, as written into the lock file for those it refuses. */
const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, program: Schema.String }))

/** The exit code that flock is told to use when somebody else has the lock. */
const conflict = 75

/** Says that the lock is held, then lives as long as its standard input: a pipe from this process. */
const hold = "echo held && exec cat"

/**
 * Takes the lock of a state directory, for as long as the scope is open. Waits up to a second for a holder that is just
 * ending. Fails, naming the holder, when another launcher has it. The returned effect tells whether it is still held.
 */
export const acquire = Effect.fn("StateLock.acquire")(function*(
  path: string
): Effect.fn.Return<
  Effect.Effect<boolean>,
  StoreError,
  ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope
> {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const child = yield* spawner.spawn(
    // A session of its own, so that a Ctrl-C meant for us does not free the lock while we still clean up. One process in
    // all: another's parent would be process 1, and a release waits until that has buried it.
    ChildProcess.make("flock", [
      "--no-fork",
      "--timeout",
      "1",
      "--conflict-exit-code",
      `${conflict}`,
      path,
      "sh",
      "-c",
      hold
    ], {
      detached: true,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      forceKillAfter: "1 second"
    })
  ).pipe(
    Effect.mapError((error) =>
      new StoreError({ message: `flock could not be run (${error.message}): install the package util-linux` })
    )
  )
  const held = yield* Stream.runHead(child.stdout).pipe(Effect.orElseSucceed(Option.none))
  if (Option.isNone(held)) {
    const code = yield* Effect.option(child.exitCode)
    return yield* (Option.isSome(code) && code.value === conflict ? refused(path) : new StoreError({
      message: `${path} can not be locked: make its directory writable, or use another state directory`
    }))
  }
  const self = yield* fs.readLink("/proc/self").pipe(Effect.orElseSucceed(() => "0"))
  const program = yield* fs.readFileString("/proc/self/comm").pipe(Effect.orElseSucceed(() => "unknown"))
  yield* Schema.encodeEffect(Holder)({ pid: Number(self), program: program.trim() }).pipe(
    Effect.flatMap((text) => fs.writeFileString(path, text)),
    Effect.mapError((error) => new StoreError({ message: `${path} can not be written: ${error.message}` }))
  )
  return Effect.orElseSucceed(child.isRunning, () => false)
})

const refused = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const holder = yield* fs.readFileString(path).pipe(
    Effect.flatMap(Schema.decodeEffect(Holder)),
    Effect.option
  )
  const who = Option.match(holder, {
    onNone: () => "another launcher",
    onSome: ({ pid, program }) => `another launcher (${program}, pid ${pid})`
  })
  return yield* new StoreError({
    message: `${who} has the state directory of ${path}: stop it, or use another state directory`
  })
})
