/**
 * How long the installed `viv` takes from its start to its end, and what that is of Node's own start in the same round.
 */
import { Deferred, Effect, FileSystem, Path, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { median, type Row, row, timed } from "./Row.ts"

const rounds = 15

/** How many instances `viv ls` lists. */
const instances = 20

const root = Effect.flatMap(Path.Path, (path) => path.fromFileUrl(new URL("../..", import.meta.url)))

/** Runs a program of Node's to its end. */
const run = (home: string, ...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* ChildProcess.make(process.execPath, args, {
      env: { HOME: home, PATH: process.env["PATH"] },
      extendEnv: false,
      stdin: "ignore",
      stderr: "inherit"
    })
    yield* Stream.runDrain(child.stdout)
    const status = yield* child.exitCode
    if (status !== 0) return yield* Effect.die(new Error(`${args.join(" ")} ended with ${status}`))
  }))

/** Both in turn: a command of viv, and a Node that does nothing. */
const against = Effect.fnUntraced(
  function*(name: string, goalMillis: number | null, home: string, ...args: ReadonlyArray<string>) {
    const ours: Array<number> = []
    const nodes: Array<number> = []
    // The first fills the cache of compiled code.
    yield* run(home, ...args)
    for (let round = 0; round < rounds; round++) {
      ours.push((yield* timed(run(home, ...args))).millis)
      nodes.push((yield* timed(run(home, "-e", "0"))).millis)
    }
    return [
      row(name, "ms", median(ours), goalMillis),
      row(`${name} over node -e 0`, "ratio", median(ours) / median(nodes))
    ] satisfies ReadonlyArray<Row>
  }
)

const home = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped({ prefix: "bench-viv-" }))

/** `viv --version`. */
export const version = Effect.scoped(Effect.gen(function*() {
  return yield* against("cli-version", 150, yield* home, `${yield* root}dist/bin/viv.mjs`, "--version")
}))

/** `viv ls` of a daemon with so many simulated instances. */
export const ls = Effect.scoped(Effect.gen(function*() {
  const at = yield* home
  const bin = `${yield* root}dist/bin`
  const state = `${at}/state`
  const vivd = yield* ChildProcess.make(process.execPath, [
    `${bin}/vivd.mjs`,
    "--simulate",
    "true",
    "--state-dir",
    state
  ], {
    env: { HOME: at, PATH: process.env["PATH"] },
    extendEnv: false,
    stdin: "ignore",
    forceKillAfter: "10 seconds"
  })
  const ready = yield* Deferred.make<void>()
  yield* vivd.all.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => text.includes("message=ready") ? Deferred.succeed(ready, undefined) : Effect.void),
    Effect.ignore,
    Effect.forkScoped
  )
  yield* Deferred.await(ready)
  const viv = [`${bin}/viv.mjs`, "--state-dir", state]
  const one = run(at, ...viv, "run", "-q", "--virtualizer", "simulation", "/images/x.qcow2")
  yield* Effect.forEach(Array.from({ length: instances }), () => one, { concurrency: 4, discard: true })
  return yield* against("cli-ls", null, at, ...viv, "ls")
}))
