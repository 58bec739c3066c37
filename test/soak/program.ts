import { Effect, Path, Stream } from "effect"
import { ChildProcess } from "effect/process"

/** Begins the soak as a program of its own. All that it makes for itself is in `directory`, where that is given. */
export const soak = Effect.fnUntraced(function*(args: ReadonlyArray<string>, directory?: string) {
  const path = yield* Path.Path
  const program = yield* path.fromFileUrl(new URL("main.ts", import.meta.url))
  const child = yield* ChildProcess.make(process.execPath, [program, ...args], {
    stdin: "ignore",
    env: directory === undefined ? {} : { TMPDIR: directory },
    extendEnv: true,
    forceKillAfter: "20 seconds"
  })
  const text = (stream: typeof child.stdout) => Stream.mkString(Stream.decodeText(stream))
  return {
    pid: Number(child.pid),
    ended: Effect.all({ stdout: text(child.stdout), stderr: text(child.stderr), code: child.exitCode }, {
      concurrency: "unbounded"
    })
  }
})
