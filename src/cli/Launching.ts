/**
 * What `viv run` and `viv start -f` have in common: an instance is created, and its start is waited for.
 */
import { Console, Effect, Schedule } from "effect"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { type CreateOptions, Daemon, type Payload } from "./Daemon.ts"
import { follow } from "./Each.ts"
import { ExitCode } from "./ExitCode.ts"
import { called, stateText } from "./InstanceText.ts"
import { encode } from "./Json.ts"
import { output, tell } from "./Output.ts"
import { progress } from "./Progress.ts"

/** Waits until a withdrawn start is undone, and tells what that left. */
const tellWithdrawn = Effect.fnUntraced(function*(id: string, name: string) {
  const daemon = yield* Daemon
  const settled = new Set(["Stopped", "Running", "Paused", "Exited", "Failed"])
  const left = yield* daemon.get(id).pipe(
    Effect.map(({ state }) => settled.has(state._tag) ? `it is ${stateText(state)}` : undefined),
    Effect.catchIf(({ exitCode }) => exitCode === ExitCode.notFound, () => Effect.succeed("nothing of it is left")),
    Effect.repeat({ until: (left) => left !== undefined, schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("20 seconds"),
    Effect.catch(() => Effect.succeed("viv show tells what is left of it"))
  )
  yield* Console.error(`viv: interrupted: the start of ${name} is withdrawn; ${left}`)
})

/** Creates it, shows how far it is, and tells what it is. Ctrl-C withdraws the start. */
export const launch = Effect.fnUntraced(function*(
  payload: Payload,
  { id, name }: { readonly id: string | undefined; readonly name: string },
  options: CreateOptions
) {
  const daemon = yield* Daemon
  const out = yield* output
  const info = yield* Effect.scoped(Effect.gen(function*() {
    const shown = yield* progress(out)
    if (id !== undefined && out.mode === "human") yield* follow([id], shown, new Map([[id, name]]))
    yield* shown.say(name, "asking the daemon")
    return yield* daemon.create(payload, options)
  })).pipe(
    Effect.onInterrupt(() => id === undefined ? Effect.void : tellWithdrawn(id, name))
  )
  yield* tell(out, {
    human:
      () => [`${called(info)} is ${stateText(info.state)}${info.spec.name === undefined ? "" : ` (${info.spec.id})`}`],
    json: () => encode(InstanceInfo, info),
    ids: () => [info.spec.id]
  })
})
