import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"

/** Runs a program to its end. One that fails is a defect, with what it said. */
export const exec = Effect.fnUntraced(function*(command: string, ...args: ReadonlyArray<string>) {
  const child = yield* ChildProcess.make(command, args, { stdin: "ignore" })
  const [said, status] = yield* Effect.all([Stream.mkString(Stream.decodeText(child.all)), child.exitCode], {
    concurrency: "unbounded"
  })
  if (status !== 0) return yield* Effect.die(`${command} ${args.join(" ")}: status ${status}: ${said}`)
}, Effect.scoped)
