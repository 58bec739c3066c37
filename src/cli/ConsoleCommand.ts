/**
 * `viv console`
 */
import { Console, Effect, Option, Stdio, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { Socket } from "effect/socket"
import type { Tag } from "../domain/InstanceState.ts"
import { CliFailure, usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import * as DetachKey from "./DetachKey.ts"
import { ExitCode } from "./ExitCode.ts"
import { consoleFailureOf } from "./Failures.ts"
import { called, stateText } from "./InstanceText.ts"
import { output } from "./Output.ts"
import { Screen } from "./Screen.ts"
import { find, instance } from "./Target.ts"

/** The states in which a guest may be there. */
const guestStates: ReadonlyArray<Tag> = ["Starting", "Running", "Paused", "Stopping", "Unknown"]

/** How a daemon closes the console of a guest that ended. */
const isEnd = (error: unknown): boolean =>
  Socket.isSocketError(error) && error.reason._tag === "SocketCloseError" && error.reason.code === 1000

export const console = Command.make(
  "console",
  {
    instance,
    detachKey: Flag.String("detach-key").pipe(
      Flag.withMetavar("ctrl-KEY"),
      Flag.withDescription("The key that leaves the console"),
      Flag.withDefault("ctrl-]")
    )
  },
  ({ detachKey, instance }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const stdio = yield* Stdio.Stdio
      const { raw } = yield* Screen
      const key = DetachKey.parse(detachKey)
      if (Option.isNone(key)) return yield* usage(`${detachKey} is no control key`, "write ctrl-] or ^]")
      if ((yield* output).mode !== "human") return yield* usage("a console is for people: leave out --json and --quiet")
      const info = yield* find(daemon, instance)
      const name = called(info)
      if (!guestStates.includes(info.state._tag)) {
        return yield* new CliFailure({
          exitCode: ExitCode.conflict,
          detail: `${name} is ${stateText(info.state)}: nothing answers at its console`,
          hint: `viv start ${name}, or viv logs ${name} for what it said`
        })
      }
      const socket = yield* daemon.console(info.spec.id)
      const isTerminal = yield* stdio.stdinIsTerminal
      // A container's program reads from no terminal of its own, which would make a line's end of the return key.
      const asRead = (bytes: Uint8Array) =>
        isTerminal && info.spec.boot.kind === "container" ? bytes.map((byte) => byte === 0x0d ? 0x0a : byte) : bytes
      const { write } = yield* socket.writer
      const typed = stdio.stdin.pipe(
        Stream.mapEffect((chunk) => {
          const { before, isDetached } = DetachKey.split(chunk, key.value)
          return Effect.as(before.length === 0 ? Effect.void : write(asRead(before)), isDetached)
        }),
        Stream.takeUntil((isDetached) => isDetached),
        Stream.runLast,
        // Without a terminal the end of what there is to type is not the end of what the guest says.
        Effect.flatMap((last) => Option.contains(last, true) ? Effect.succeed("detached" as const) : Effect.never)
      )
      const shown = Stream.run(Socket.toStream(socket), stdio.stdout()).pipe(
        Effect.catchIf(isEnd, () => Effect.void),
        Effect.as("ended" as const)
      )
      const how = yield* Effect.gen(function*() {
        if (isTerminal) yield* raw
        // From here on every key is the guest's.
        yield* Console.error(`viv: this is ${name}'s console; ${detachKey} leaves it`)
        return yield* Effect.raceFirst(typed, shown)
      }).pipe(
        Effect.scoped,
        Effect.mapError(consoleFailureOf(daemon.endpoint, name))
      )
      yield* Console.error(
        how === "detached"
          ? `\nviv: left the console; ${name} goes on`
          : `\nviv: the console of ${name} ended`
      )
    }))
).pipe(
  Command.withDescription(
    "Type at an instance's console. Every key goes to the guest, Ctrl-C too; the detach key leaves the console and the guest as they are."
  ),
  Command.withShortDescription("Type at its console"),
  Command.withExamples([
    { command: "viv console web-1" },
    { command: "viv console web-1 --detach-key ctrl-a" }
  ])
)
