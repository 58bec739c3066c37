/**
 * One launcher for each state directory.
 *
 * The lock is the kernel's, and belongs to a file that this process has open: `flock(1)` takes it for that, and ends. The kernel
 * frees it when this process ends, however it ends, and no recycled pid can be taken for its holder.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { Effect, FileSystem, Option, Schema, type Scope } from "effect"
import { StoreError } from "./InstanceStore.ts"

/** Who holds a lock, as written into the lock file for those it refuses. */
const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, program: Schema.String }))

/** The exit code that flock is told to use when somebody else has the lock. */
const conflict = 75

/** Where flock finds the open file. */
const descriptor = 3

/**
 * Takes the lock of a state directory, for as long as the scope is open. Waits up to a second for a holder that is just
 * ending. Fails, naming the holder, when another launcher has it. The returned effect tells whether it is still held.
 */
export const acquire = Effect.fn("StateLock.acquire")(function*(
  path: string
): Effect.fn.Return<Effect.Effect<boolean>, StoreError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  let isHeld = false
  const file = yield* Effect.acquireRelease(
    Effect.try({ try: () => Fs.openSync(path, "a", 0o644), catch: (error) => unlockable(path, String(error)) }),
    (file) =>
      Effect.sync(() => {
        isHeld = false
        Fs.closeSync(file)
      })
  )
  const code = yield* flock(file)
  if (code !== 0) return yield* (code === conflict ? refused(path) : unlockable(path, `flock ended with ${code}`))
  isHeld = true
  const self = yield* fs.readLink("/proc/self").pipe(Effect.orElseSucceed(() => "0"))
  const program = yield* fs.readFileString("/proc/self/comm").pipe(Effect.orElseSucceed(() => "unknown"))
  yield* Schema.encodeEffect(Holder)({ pid: Number(self), program: program.trim() }).pipe(
    Effect.flatMap((text) => fs.writeFileString(path, text)),
    Effect.mapError((error) => new StoreError({ message: `${path} can not be written: ${error.message}` }))
  )
  return Effect.sync(() => isHeld)
})

/** Locks what is open, and answers flock's exit code. Nothing else that this process starts is given the open file. */
const flock = (file: number) =>
  Effect.callback<number | null, StoreError>((resume) => {
    const args = ["--timeout", "1", "--conflict-exit-code", `${conflict}`, `${descriptor}`]
    // A session of its own: a Ctrl-C is meant for us.
    const child = ChildProcess.spawn("flock", args, { detached: true, stdio: ["ignore", "ignore", "ignore", file] })
    child.once("error", (error) =>
      resume(Effect.fail(
        new StoreError({ message: `flock could not be run (${error.message}): install the package util-linux` })
      )))
    child.once("exit", (code) => resume(Effect.succeed(code)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const unlockable = (path: string, why: string) =>
  new StoreError({
    message: `${path} can not be locked (${why}): make its directory writable, or use another state directory`
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
