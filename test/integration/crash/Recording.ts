/**
 * The acts of a command, recorded in a run that nothing happens to.
 */
import { readlinkSync } from "node:fs"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Act from "./Act.ts"
import { type Ground, id } from "./Ground.ts"
import type { LauncherProcess } from "./LauncherProcess.ts"
import type { Operation } from "./Operation.ts"
import * as Strace from "./Strace.ts"

/** Where a launcher's calls are, now: its control connection to the instance, if there is one, and its answers. */
export const place = Effect.fnUntraced(function*({ stateDirectory }: Ground, { pid }: LauncherProcess) {
  const ss = yield* ChildProcess.make("ss", ["-xn"], { stdin: "ignore", stderr: "inherit" })
  const sockets = yield* Stream.mkString(Stream.decodeText(ss.stdout))
  const line = sockets.split("\n").find((line) =>
    line.includes(` ${stateDirectory}/instances/${id}/guest/run/qmp.sock `)
  )
  const peer = line?.trim().split(/ +/).at(-1)
  return {
    stateDirectory,
    control: peer === undefined ? undefined : `socket:[${peer}]`,
    output: readlinkSync(`/proc/${pid}/fd/1`)
  } satisfies Act.Place
}, Effect.scoped)

/** How long nothing may happen before it is taken that nothing will. */
const quietMillis = 300

/** Prepares an operation, carries it out, and answers its acts up to when nothing more is done. */
export const make = Effect.fnUntraced(function*(ground: Ground, launcher: LauncherProcess, operation: Operation) {
  yield* operation.prepare(ground, launcher)
  const where = yield* place(ground, launcher)
  return yield* Strace.during(launcher.pid, undefined, (tracer) =>
    Effect.gen(function*() {
      const answer = yield* launcher.ask(operation.command(ground))
      if (answer._tag !== "Done") return yield* Effect.die(`${operation.name} was answered ${JSON.stringify(answer)}`)
      const acts = Effect.map(tracer.lines, (lines) => Act.ofLines(lines, where))
      let [before, now] = [-1, (yield* acts).length]
      while (now !== before) {
        yield* Effect.sleep(quietMillis)
        ;[before, now] = [now, (yield* acts).length]
      }
      return yield* acts
    }))
})
