/**
 * `viv start`
 */
import { Effect, FileSystem, Option, Stdio, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as NativeSpec from "../payload/NativeSpec.ts"
import { unreadable, usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon, type Payload } from "./Daemon.ts"
import { each } from "./Each.ts"
import * as Flags from "./Flags.ts"
import { called } from "./InstanceText.ts"
import { launch } from "./Launching.ts"

/** The payload of the seed system has a key of this name where the native spec has none. */
const isStartPayload = /^(start|"start"|'start')[ \t]*:|^\{\s*"start"\s*:/m

const read = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  const stdio = yield* Stdio.Stdio
  return yield* Effect.mapError(
    file === "-" ? Stream.mkString(Stream.decodeText(stdio.stdin)) : fs.readFileString(file),
    (error) => unreadable(file === "-" ? "standard input" : file, error)
  )
})

const fromFile = Effect.fnUntraced(
  function*(file: string, options: { readonly autoRemove: boolean }) {
    const text = yield* read(file)
    const isStart = isStartPayload.test(text)
    // What the native spec says of itself is known here; the daemon reads it again, and says what is wrong.
    const spec = isStart ? undefined : Option.getOrUndefined(yield* Effect.option(NativeSpec.decode(text)))
    const payload: Payload = isStart ? { _tag: "StartText", text } : { _tag: "SpecText", text }
    yield* connected(
      launch(
        payload,
        { id: spec?.id, name: spec?.name ?? spec?.id ?? (file === "-" ? "standard input" : file) },
        options
      )
    )
  }
)

export const start = Command.make(
  "start",
  {
    instances: Argument.String("instance").pipe(
      Argument.withDescription("Stopped instances: names, ids, or the beginnings of ids"),
      Argument.variadic()
    ),
    file: Flags.text("file", "FILE", "Create the instance of this specification or START payload; - is standard input")
      .pipe(Flag.withAlias("f")),
    rm: Flags.toggle("rm", "With -f: the daemon deletes it when it ends")
  },
  ({ file, instances, rm }) =>
    Effect.gen(function*() {
      if (Option.isSome(file)) {
        if (instances.length > 0) {
          return yield* usage("instances are started by name, or created with -f: not both at once")
        }
        return yield* fromFile(file.value, { autoRemove: rm })
      }
      if (instances.length === 0) {
        return yield* usage("there is nothing to start", "name stopped instances, or give -f FILE")
      }
      if (rm) {
        return yield* usage("--rm is for -f")
      }
      yield* connected(Effect.flatMap(Daemon, (daemon) =>
        each(instances, {
          doing: "starting",
          goesOn: "its start",
          act: ({ spec }) => daemon.power(spec.id, "start"),
          done: (info) => `${called(info)} is running`
        })))
    })
).pipe(
  Command.withDescription(
    "Start stopped instances, or create one from a file. Returns when they run. Ctrl-C withdraws the start of what -f creates; of others it " +
      "ends the waiting only."
  ),
  Command.withShortDescription("Start instances, or create one from a file"),
  Command.withExamples([
    { command: "viv start web-1 db-1" },
    { command: "viv start -f web-1.yaml", description: "The native spec, YAML or JSON" },
    { command: "viv start -f - < start.yaml", description: "A START payload" }
  ])
)
