/**
 * A real daemon in a process and a directory of its own, and curl.
 */
import * as Http from "node:http"
import { Deferred, Effect, Exit, Fiber, FileSystem, Path, Ref, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Programs } from "../../host/Programs.ts"
import * as Traces from "../../host/Traces.ts"

/** A directory whose end is the end of every process that names it. */
export const directory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Effect.acquireRelease(fs.makeTempDirectory({ prefix: "vivarium-daemon-" }), Traces.sweep)
  yield* fs.chmod(path, 0o711)
  return path
})

/** How a program ended. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export const run = Effect.fnUntraced(function*(command: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const child = yield* spawner.spawn(ChildProcess.make(command, args, { stdin: "ignore" }))
  const [stdout, stderr] = yield* Effect.all([
    Stream.mkString(Stream.decodeText(child.stdout)),
    Stream.mkString(Stream.decodeText(child.stderr))
  ], { concurrency: 2 })
  return { code: Number(yield* child.exitCode), stdout, stderr } satisfies Outcome
}, Effect.scoped)

/** `vivd` with arguments, to its end. */
export const vivd = (...args: ReadonlyArray<string>) => Programs.use(({ vivd }) => run(process.execPath, vivd, ...args))

/** A daemon that takes commands. */
export interface Daemon {
  readonly pid: number
  readonly socket: string
  /** What it told on standard error. */
  readonly log: Effect.Effect<ReadonlyArray<string>>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Its exit code, or the signal that ended it. */
  readonly exit: Effect.Effect<number | "signal">
  /** Waits for a line of its log. */
  readonly says: (text: string) => Effect.Effect<void>
}

/** Starts a daemon on a state directory in surroundings of its own, and waits until it takes commands. Ends with the scope. */
export const startWith = Effect.fnUntraced(function*(
  surroundings: Readonly<Record<string, string>>,
  stateDirectory: string,
  ...args: ReadonlyArray<string>
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const { join } = yield* Path.Path
  const { environment, vivd } = yield* Programs
  const lines = yield* Ref.make<ReadonlyArray<string>>([])
  const waiting = new Set<{ readonly text: string; readonly told: Deferred.Deferred<void> }>()
  const child = yield* spawner.spawn(
    ChildProcess.make(process.execPath, [vivd, "--state-dir", stateDirectory, ...args], {
      env: { ...environment, ...surroundings },
      extendEnv: true,
      stdin: "ignore",
      stdout: "ignore",
      forceKillAfter: "20 seconds"
    })
  )
  const ended = yield* Effect.forkScoped(
    child.exitCode.pipe(Effect.map(Number), Effect.orElseSucceed(() => "signal" as const))
  )
  yield* Effect.forkScoped(
    child.stderr.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) =>
        Ref.update(lines, (lines) => [...lines, line]).pipe(Effect.andThen(Effect.sync(() => {
          for (const { text, told } of waiting) if (line.includes(text)) Deferred.doneUnsafe(told, Exit.void)
        })))
      ),
      Effect.ignore
    )
  )
  const says = Effect.fnUntraced(function*(text: string) {
    const told = yield* Deferred.make<void>()
    const one = { text, told }
    waiting.add(one)
    if ((yield* Ref.get(lines)).some((line) => line.includes(text))) return
    yield* Effect.raceFirst(
      Deferred.await(told),
      Effect.flatMap(
        Fiber.join(ended),
        (code) =>
          Effect.flatMap(
            Ref.get(lines),
            (lines) => Effect.die(new Error(`the daemon ended with ${code}:\n${lines.join("\n")}`))
          )
      )
    )
    waiting.delete(one)
  })
  yield* says("ready")
  return {
    pid: Number(child.pid),
    socket: join(stateDirectory, "vivd.sock"),
    log: Ref.get(lines),
    kill: (signal) => Effect.sync(() => void process.kill(Number(child.pid), signal)),
    exit: Fiber.join(ended),
    says
  } satisfies Daemon
})

/** Starts a daemon on a state directory, and waits until it takes commands. Ends with the scope. */
export const start = (stateDirectory: string, ...args: ReadonlyArray<string>) => startWith({}, stateDirectory, ...args)

/** A daemon whose guests are simulated, in a directory of its own. */
export const simulating = (...args: ReadonlyArray<string>) =>
  Effect.flatMap(directory, (directory) => start(directory, "--simulate", "true", ...args))

/** What curl was answered. */
export interface Response {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** curl with arguments, the answer's status and body. */
export const curl = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { code, stderr, stdout } = yield* run(
    "curl",
    "--silent",
    "--show-error",
    "--max-time",
    "60",
    "--include",
    ...args
  )
  if (code !== 0) return yield* Effect.fail(new Error(`curl ended with ${code}: ${stderr}`))
  const all = stdout.replace(/^HTTP\/1\.1 100 [^]*?\r\n\r\n/, "")
  const end = all.indexOf("\r\n\r\n")
  return {
    status: Number(/^HTTP\/\S+ (\d+)/.exec(all)?.[1]),
    headers: all.slice(0, end),
    body: all.slice(end + 4)
  } satisfies Response
})

/** The daemon over its socket. */
export const at = ({ socket }: Daemon) => (path: string, ...args: ReadonlyArray<string>) =>
  curl("--unix-socket", socket, `http://vivd${path}`, ...args)

/** Sends a document. */
export const post = (text: string, type = "application/json") =>
  ["--request", "POST", "--header", `content-type: ${type}`, "--data-binary", text] as const

/** Asks for something, and does not wait for the answer. */
export const begin = ({ socket }: Daemon, path: string, body: string) =>
  Effect.callback<Http.ClientRequest, Error>((resume) => {
    const request = Http.request({
      socketPath: socket,
      path,
      method: "POST",
      headers: { "content-type": "application/json" },
      agent: false
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.on("finish", () => resume(Effect.succeed(request)))
    request.end(body)
  })

/** A spec of a simulated guest, as JSON. */
export const simulated = (id: string, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    id,
    virtualizer: "simulation",
    memory: "64 MiB",
    boot: { kind: "kernel", kernel: "/kernels/vmlinuz" },
    ...more
  })
