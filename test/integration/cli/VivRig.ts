/**
 * `viv` as it is installed, in processes of its own, at a home and a daemon of its own.
 */
import { Context, Effect, Fiber, FileSystem, Layer, Path, Queue, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as Programs from "../../host/Programs.ts"

/** How a process ended. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs. */
export interface Running {
  /** Returns when it has said this, on whichever of both outputs; what it said so far. */
  readonly says: (text: string) => Effect.Effect<string>
  readonly type: (text: string) => Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

export class VivRig extends Context.Service<VivRig, {
  /** A directory of its own: the home of whoever runs viv. */
  readonly home: string
  /** The installed program. */
  readonly program: string
  /** The daemon's unix socket. */
  readonly socket: string
  /** Runs viv to its end, at the daemon. */
  readonly viv: (...args: ReadonlyArray<string>) => Effect.Effect<Ended>
  /** Runs viv to its end, with other surroundings. */
  readonly vivWith: (
    options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string },
    ...args: ReadonlyArray<string>
  ) => Effect.Effect<Ended>
  /** Starts viv, at the daemon. */
  readonly start: (...args: ReadonlyArray<string>) => Effect.Effect<Running, never, Scope.Scope>
  /** Starts viv in a pseudo-terminal of so many columns. */
  readonly terminal: (
    columns: number,
    ...args: ReadonlyArray<string>
  ) => Effect.Effect<Running, never, Scope.Scope>
}>()("vivarium/VivRig") {}

/** A process, its input held open and its outputs collected. */
export const spawn = Effect.fnUntraced(function*(
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  input?: string
) {
  const keys = yield* Queue.unbounded<string>()
  const child = yield* ChildProcess.make(command, args, {
    env,
    extendEnv: false,
    stdin: input === undefined ? Stream.encodeText(Stream.fromQueue(keys)) : Stream.encodeText(Stream.succeed(input)),
    forceKillAfter: "5 seconds"
  }).pipe(Effect.orDie)
  const said = { stdout: "", stderr: "" }
  const more = yield* Queue.sliding<void>(1)
  const collect = (name: "stdout" | "stderr") =>
    child[name].pipe(
      Stream.decodeText(),
      Stream.runForEach((text) => {
        said[name] += text
        return Queue.offer(more, undefined)
      }),
      Effect.ignore
    )
  const collected = yield* Effect.forkScoped(
    Effect.all([collect("stdout"), collect("stderr")], { concurrency: "unbounded" })
  )
  const all = () => said.stdout + said.stderr
  const isHeard = (text: string) => all().includes(text)
  return {
    says: (text) =>
      Effect.gen(function*() {
        while (!isHeard(text)) {
          if (collected.pollUnsafe() !== undefined) {
            return yield* Effect.die(
              new Error(`it ended without saying ${JSON.stringify(text)}: ${JSON.stringify(all())}`)
            )
          }
          yield* Effect.timeoutOption(Queue.take(more), "200 millis")
        }
        return all()
      }).pipe(
        Effect.timeoutOrElse({
          duration: "80 seconds",
          orElse: () => Effect.die(new Error(`it does not say ${JSON.stringify(text)}: ${JSON.stringify(all())}`))
        })
      ),
    type: (text) => Effect.asVoid(Queue.offer(keys, text)),
    interrupt: Effect.sync(() => process.kill(child.pid, "SIGINT")),
    ended: Effect.gen(function*() {
      const status = yield* Effect.orDie(child.exitCode)
      yield* Fiber.join(collected)
      return { status, ...said }
    }).pipe(
      Effect.timeoutOrElse({
        duration: "80 seconds",
        orElse: () => Effect.die(new Error(`it does not end: ${JSON.stringify(all())}`))
      })
    )
  } satisfies Running
})

export const make = (
  programs: string,
  daemon: ReadonlyArray<string>,
  surroundings: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const home = yield* fs.makeTempDirectoryScoped({ prefix: "viv-" })
    yield* fs.chmod(home, 0o711)
    const { environment, viv: program, vivd: daemonProgram } = Programs.make(programs)
    const env = { HOME: home, PATH: process.env["PATH"] ?? "", TERM: "xterm", ...environment }
    const state = path.join(home, "state")
    const socket = path.join(state, "vivd.sock")
    yield* fs.makeDirectory(path.join(state, "volumes"), { recursive: true })
    for (const volume of ["data-1.raw", "data-2.raw"]) {
      yield* fs.writeFile(path.join(state, "volumes", volume), new Uint8Array(65_536))
    }
    const vivd = yield* spawn(
      process.execPath,
      [daemonProgram, "--state-dir", state, ...daemon],
      { ...env, ...surroundings }
    )
    yield* vivd.says("message=ready")

    const atDaemon = { ...env, VIV_HOST: `unix://${socket}` }
    const context = yield* Effect.context<ChildProcessSpawner.ChildProcessSpawner>()
    const spawned = (
      command: string,
      args: ReadonlyArray<string>,
      env: Readonly<Record<string, string>>,
      input?: string
    ) =>
      Effect.updateContext(spawn(command, args, env, input), (scope: Context.Context<Scope.Scope>) =>
        Context.merge(scope, context))
    const start = (env: Readonly<Record<string, string>>, args: ReadonlyArray<string>, input?: string) =>
      spawned(process.execPath, [program, ...args], env, input)
    const quoted = (word: string) =>
      `'${word.replaceAll("'", "'\\''")}'`
    return VivRig.of({
      home,
      program,
      socket,
      viv: (...args) => Effect.scoped(Effect.flatMap(start(atDaemon, args, ""), ({ ended }) => ended)),
      vivWith: ({ env: others = {}, input = "" }, ...args) =>
        Effect.scoped(Effect.flatMap(start({ ...env, ...others }, args, input), ({ ended }) => ended)),
      start: (...args) => start(atDaemon, args),
      terminal: (columns, ...args) =>
        spawned("script", [
          "-qefc",
          `stty cols ${columns} rows 24 && exec ${[process.execPath, program, ...args].map(quoted).join(" ")}`,
          "/dev/null"
        ], atDaemon)
    })
  })

/** A rig with a daemon of these arguments. */
export const layer = (programs: string, ...daemon: ReadonlyArray<string>) =>
  Layer.effect(VivRig, make(programs, daemon))
