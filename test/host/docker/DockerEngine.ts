/**
 * A real Docker Engine of a test's own, with a registry if need be. It is told nothing of the machine's own engine, and leaves
 * nothing: see `keeper` beside this file for how.
 */
import { statfsSync } from "node:fs"
import { type Cause, Effect, Exit, FileSystem, Option, Path, Queue, Schedule, Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as ProcFs from "../../../src/backend/qemu/ProcFs.ts"
import { exec } from "../exec.ts"
import * as Gate from "../Gate.ts"
import * as EngineHttp from "./EngineHttp.ts"

/** How an engine is started. */
export interface EngineOptions {
  /** Whether containers survive its end. */
  readonly liveRestore?: boolean
}

/** A program that runs beside the engine, and sees the network that it does. */
export interface Companion {
  readonly pid: number
  /** Stops it where it is (SIGSTOP), and lets it go on. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

/** An engine, which may or may not run. */
export interface DockerEngine {
  /** Where it listens. */
  readonly socket: string
  /** All that it writes is in here, and so may be what belongs to it. It is removed with it. */
  readonly directory: string
  /** A directory where what is mounted later, the engine's containers see too. */
  readonly shared: string
  /** What there is to know about it past what is tested. */
  readonly http: EngineHttp.EngineHttp
  /** Its process. There is none while it is stopped or killed. */
  readonly pid: () => number | undefined
  /** Starts it, and returns when it answers. */
  readonly start: Effect.Effect<void>
  /** How many bytes all that it keeps takes up, and how many it may: it is in memory. */
  readonly used: Effect.Effect<number>
  readonly limit: (bytes: number) => Effect.Effect<void>
  /** Ends it in its own way (SIGTERM), and returns when it is gone, and containers with it unless it restores them. */
  readonly stop: Effect.Effect<void>
  /** Kills it. What its containers do then depends on how it is started again. */
  readonly kill: Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** What it wrote about itself. */
  readonly log: Effect.Effect<string>
  /** Runs a program where the engine runs, as long as the scope is open. */
  readonly beside: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<Companion, never, Scope.Scope>
}

/** How long an engine may take to end: its containers have ten seconds to heed their stop signals. */
const endDeadline = "30 seconds"

const signalled = (pid: number, name: "SIGSTOP" | "SIGCONT") =>
  Effect.andThen(
    Gate.signal(pid, name),
    Gate.until(`process ${pid} does not heed ${name}`, () => Gate.isStopped(pid) === (name === "SIGSTOP"))
  )

const isGone = (pid: number): boolean => {
  const info = ProcFs.info(pid)
  return info === undefined || ProcFs.isDead(info)
}

/** Keeps a place for an engine until the scope closes. Answers the process whose namespaces it is. */
const keep = Effect.fnUntraced(function*(directory: string) {
  const path = yield* Path.Path
  const ended = yield* Queue.unbounded<Uint8Array, Cause.Done>()
  const child = yield* ChildProcess.make(
    yield* path.fromFileUrl(new URL("keeper", import.meta.url)),
    ["outside", directory],
    { stdin: Stream.fromQueue(ended), stderr: "inherit", forceKillAfter: endDeadline }
  )
  yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(ended), Effect.ignore(child.exitCode)))
  const line = yield* child.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.runHead)
  return yield* Option.match(line, {
    onNone: () => Effect.die("an engine of its own has no place here: see above for why"),
    onSome: (pid) => Effect.succeed(pid)
  })
})

/** An engine that answers, as long as the scope is open. */
export const make = Effect.fn("DockerEngine.make")(function*(options: EngineOptions = {}) {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const scope = yield* Effect.scope
  // A short name, for the sockets' sake. The keeper removes it.
  const directory = yield* fs.makeTempDirectory({ prefix: "de-" })
  const keeper = yield* keep(directory)
  const socket = `${directory}/docker.sock`
  const logFile = `${directory}/dockerd.log`
  const configFile = `${directory}/daemon.json`
  // Where there is none, an engine reads the machine's.
  yield* fs.writeFileString(configFile, "{}")
  const http = yield* EngineHttp.make(socket)

  /** Runs a program in the engine's place, whose words go to a file. */
  const run = (log: string, command: string, ...args: ReadonlyArray<string>) =>
    ChildProcess.make(
      "sh",
      ["-c", "exec >>\"$1\" 2>&1; shift; exec \"$@\"", "sh", log]
        .concat(["setsid", "nsenter", "--target", keeper, "--mount", "--net", "--root", "--", command], args),
      {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        // What ends in an orderly way is asked to before.
        killSignal: "SIGKILL",
        // It begins a session by itself: then nobody waits for what else is in it, which is the keeper's.
        detached: false
      }
    ).pipe(Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner))

  const words = [
    ["--config-file", configFile],
    ["--host", `unix://${socket}`],
    ["--pidfile", `${directory}/docker.pid`],
    ["--data-root", `${directory}/data/root`],
    ["--exec-root", `${directory}/data/exec`],
    ["--cgroup-parent", `/vivarium-${directory.slice(directory.lastIndexOf("/") + 1)}`],
    // Whatever manages the machine's services is not asked for cgroups.
    ["--exec-opt", "native.cgroupdriver=cgroupfs"],
    ["--iptables=false", "--ip6tables=false"],
    options.liveRestore === true ? ["--live-restore"] : []
  ].flat()

  let engine: { readonly handle: ChildProcessSpawner.ChildProcessHandle; readonly scope: Scope.Closeable } | undefined
  const ensureRunning = Effect.suspend(() =>
    engine === undefined ? Effect.die("the engine does not run") : Effect.succeed(engine)
  )
  const log = Effect.orElseSucceed(fs.readFileString(logFile), () => "")
  const start = Effect.gen(function*() {
    if (engine !== undefined) return yield* Effect.die("the engine runs already")
    const own = yield* Scope.fork(scope)
    const handle = yield* Scope.provide(run(logFile, "dockerd", ...words), own)
    engine = { handle, scope: own }
    const answers = http.done("GET", "/_ping").pipe(Effect.retry(Schedule.spaced("10 millis")))
    const ended = Effect.exit(handle.exitCode).pipe(
      Effect.andThen(log),
      Effect.flatMap((said) => Effect.die(`the engine ended: ${said.slice(-4000)}`))
    )
    yield* Gate.within("the engine does not answer", Effect.raceFirst(answers, ended))
  }).pipe(Effect.orDie)

  const end = (signal: NodeJS.Signals) =>
    Effect.gen(function*() {
      const { handle, scope } = yield* ensureRunning
      yield* Gate.signal(handle.pid, signal)
      yield* Effect.timeoutOrElse(Effect.exit(handle.exitCode), {
        duration: endDeadline,
        orElse: () => Effect.die(`the engine did not end within ${endDeadline}`)
      })
      engine = undefined
      yield* Scope.close(scope, Exit.void)
    })
  /**
   * Those an engine started die with it, but their process may stay as a zombie for as long as who inherits it likes. The next
   * engine would take it for alive, and wait for it.
   */
  const forgetSupervisor = Effect.gen(function*() {
    const file = `/proc/${keeper}/root${directory}/data/exec/containerd/containerd.pid`
    const pid = Number(yield* Effect.orElseSucceed(fs.readFileString(file), () => ""))
    if (pid === 0) return
    yield* Gate.until("what supervises containers did not die with its engine", () => isGone(pid))
    yield* Effect.orDie(fs.remove(file, { force: true }))
  })
  const toEngine = (name: "SIGSTOP" | "SIGCONT") =>
    Effect.flatMap(ensureRunning, ({ handle }) => signalled(handle.pid, name))

  yield* start
  return {
    socket,
    directory,
    shared: `${directory}/shared`,
    http,
    pid: () => engine?.handle.pid,
    start,
    stop: end("SIGTERM"),
    kill: Effect.andThen(end("SIGKILL"), forgetSupervisor),
    freeze: toEngine("SIGSTOP"),
    thaw: toEngine("SIGCONT"),
    log,
    used: Effect.sync(() => {
      const { bfree, blocks, bsize } = statfsSync(`/proc/${keeper}/root${directory}/data`)
      return (blocks - bfree) * bsize
    }),
    limit: (bytes) =>
      exec(
        "nsenter",
        "--target",
        keeper,
        "--mount",
        "--root",
        "--",
        "mount",
        "-n",
        "-o",
        `remount,size=${bytes}`,
        `${directory}/data`
      ).pipe(
        Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner),
        Effect.orDie,
        Effect.asVoid
      ),
    beside: Effect.fnUntraced(function*(command, ...args) {
      const { pid } = yield* Effect.orDie(run(`${directory}/beside.log`, command, ...args))
      return { pid, freeze: signalled(pid, "SIGSTOP"), thaw: signalled(pid, "SIGCONT") }
    })
  } satisfies DockerEngine
})
