/**
 * `viv logs`
 */
import { Console, Effect, Option, Stdio, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import * as Flags from "./Flags.ts"
import { output, tell } from "./Output.ts"
import { find, instance } from "./Target.ts"

export const logs = Command.make(
  "logs",
  {
    instance,
    follow: Flags.toggle("follow", "Go on with what it writes, until it ends").pipe(Flag.withAlias("f")),
    tail: Flag.Int("tail").pipe(
      Flag.withAlias("n"),
      Flag.withMetavar("BYTES"),
      Flag.withDescription("Only so many of the last bytes"),
      Flag.filter((bytes) => bytes >= 0, (bytes) => `${bytes} is less than nothing`),
      Flag.optional
    )
  },
  ({ follow, instance, tail }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const stdio = yield* Stdio.Stdio
      const out = yield* output
      if (out.mode === "quiet") return yield* usage("logs have no ids: leave out --quiet")
      const { spec: { id } } = yield* find(daemon, instance)
      const log = daemon.log(id, { follow, tailBytes: Option.getOrUndefined(tail) })
      if (out.mode === "human") return yield* Stream.run(log, stdio.stdout())
      if (follow) {
        return yield* log.pipe(
          Stream.decodeText,
          Stream.splitLines,
          Stream.runForEach((line) => Console.log(JSON.stringify({ id, line })))
        )
      }
      const text = yield* Stream.mkString(Stream.decodeText(log))
      yield* tell(out, { human: () => [], ids: () => [], json: () => ({ id, log: text }) })
    }))
).pipe(
  Command.withDescription(
    "Print what an instance has written to its console, byte for byte. With --json one line a line."
  ),
  Command.withShortDescription("Print what its console said"),
  Command.withExamples([{ command: "viv logs web-1" }, { command: "viv logs -f web-1" }])
)
