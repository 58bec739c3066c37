/**
 * A guest started by hand: the same command line, spawned and told to run, and nothing else.
 */
import { spawn } from "node:child_process"
import { Effect, FileSystem, Path, Scope } from "effect"
import { ChildProcess } from "effect/process"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import * as Built from "./Built.ts"
import { RawQmp } from "./RawQmp.ts"
import { pidOf, type Workshop } from "./Workshop.ts"

/** What it takes to start a guest by hand, as often as wanted, one at a time. */
export interface Template {
  readonly command: ReadonlyArray<string>
  readonly qmpSocket: string
}

/**
 * Copies the command line of a running instance, and its files, into a directory that the launcher knows nothing of. The
 * instance should be paused.
 */
export const template = Effect.fnUntraced(function*(workshop: Workshop, id: InstanceId) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const { config, directory, user } = workshop
  // Of the same length, so that not even that differs.
  const from = join(config.stateDirectory, "instances", id)
  const to = join(directory, "hand", "instances", id)
  yield* fs.makeDirectory(join(directory, "hand", "instances"), { recursive: true, mode: 0o711 })
  yield* fs.remove(to, { recursive: true, force: true })
  yield* Effect.scoped(Effect.flatMap(ChildProcess.make("cp", ["-a", from, to]), (copy) => copy.exitCode))
  const run = join(to, "guest", "run")
  yield* Effect.forEach(yield* fs.readDirectory(run), (name) => fs.remove(join(run, name)))
  const status = yield* fs.readFileString(`/proc/${yield* pidOf(workshop, id)}/status`)
  const groups = (/^Groups:(.*)$/m.exec(status)?.[1] ?? "").split(/\s+/).filter((group) => group !== "").map(Number)
  const commandLine = yield* fs.readFileString(`/proc/${yield* pidOf(workshop, id)}/cmdline`)
  const args = commandLine.split("\0").slice(0, -1).map((arg) => arg.replaceAll(from, to))
  return { command: Built.HostUser.command(user, args, user.switched ? groups : []), qmpSocket: join(run, "qmp.sock") }
})

/** Starts it and returns when `cont` has been answered. The scope kills it, where it is still there. */
export const start = Effect.fnUntraced(function*({ command: [file = "", ...args], qmpSocket }: Template) {
  const scope = yield* Scope.Scope
  return yield* Effect.promise(async () => {
    const child = spawn(file, args, { cwd: "/", detached: true, stdio: "ignore" })
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    const qmp = await RawQmp.connect(qmpSocket)
    await qmp.execute("cont")
    return { child, exited, qmp }
  }).pipe(
    Effect.tap(({ child, qmp }) =>
      Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          qmp.close()
          child.kill("SIGKILL")
        })
      )
    )
  )
})

/** A guest that was started by hand. */
export type RawGuest = Effect.Success<ReturnType<typeof start>>

/** Stops its processors. */
export const pause = ({ qmp }: RawGuest) => Effect.promise(() => qmp.execute("stop"))

/** Quits it and returns when its process is gone. */
export const quit = ({ exited, qmp }: RawGuest) =>
  Effect.promise(async () => {
    // The connection may end before the answer comes.
    void qmp.execute("quit")
    await exited
  })
