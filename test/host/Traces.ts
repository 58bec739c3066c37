/**
 * What a node leaves on its host.
 */
import { Effect, FileSystem, Path, Schedule } from "effect"

/** The processes that name this directory in their command line, other than this one. */
export const processes = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const commandLine = (pid: string) => Effect.orElseSucceed(fs.readFileString(`/proc/${pid}/cmdline`), () => "")
  const pids = (yield* fs.readDirectory("/proc")).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`)
  const named = yield* Effect.filter(pids, (pid) => Effect.map(commandLine(pid), (text) => text.includes(directory)), {
    concurrency: 16
  })
  return named.map(Number)
})

/** The files of a state directory that belong to instances: records, disks, logs, pid files, sockets. */
export const files = Effect.fnUntraced(function*(stateDirectory: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const inside = yield* Effect.forEach(
    ["instances", "records", "run"],
    (name) =>
      fs.readDirectory(join(stateDirectory, name)).pipe(
        Effect.map((found) => found.map((file) => join(stateDirectory, name, file))),
        Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed([]))
      )
  )
  return inside.flat()
})

/** Kills what names this directory, and removes it: for when nobody is left who would do that in an orderly way. */
export const sweep = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.gen(function*() {
    const left = yield* processes(directory)
    for (const pid of left) yield* Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
    return left.length
  }).pipe(
    Effect.repeat({ until: (left) => left === 0, schedule: Schedule.spaced("20 millis"), times: 250 })
  )
  yield* fs.remove(directory, { recursive: true, force: true })
}, (effect) => Effect.ignore(effect))
