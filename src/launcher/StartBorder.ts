/**
 * START payloads, answered with the codes that the seed system's control planes switch on.
 */
import { Effect, Option, Schema } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { equivalence } from "../domain/InstanceSpec.ts"
import { seedState } from "../domain/InstanceState.ts"
import type { PayloadError } from "../payload/PayloadError.ts"
import * as StartPayload from "../payload/StartPayload.ts"
import { Launcher } from "./Launcher.ts"
import type { LauncherError } from "./LauncherError.ts"

/** The codes of a START that failed. */
export const StartCode = Schema.Literals([
  "invalid_payload",
  "invalid_data",
  "full_cn",
  "node_maintenance",
  "already_running",
  "instance_exists",
  "image_failure",
  "network_failure",
  "launch_failure",
  "no_instance",
  "not_supported",
  "superseded",
  "timed_out",
  "state_failure",
  "launcher_closed"
])

export type StartCode = typeof StartCode.Type

/** A START failed. `id` is absent where the payload could not be read far enough to know. */
export class StartFailure extends Schema.TaggedError<StartFailure>()("StartFailure", {
  code: StartCode,
  id: Schema.Option(InstanceId),
  /** The payload said that it restarts an instance; a report repeats it. */
  restart: Schema.Boolean,
  message: Schema.String
}) {}

const unread = (error: PayloadError): StartFailure =>
  new StartFailure({ code: error.code, id: Option.none(), restart: false, message: error.message })

/** The codes that START has no word of its own for. */
const codeOf = (error: LauncherError): StartCode => {
  switch (error.code) {
    case "already_attached":
    case "attach_failure":
      return "image_failure"
    case "crash_loop":
    case "instance_failure":
      return "launch_failure"
    default:
      return error.code
  }
}

/**
 * Starts what a START payload describes and returns when it runs, as `Launcher.start` does, with one difference: an equal
 * instance that runs already is refused as `already_running`. Interrupting it withdraws the start.
 */
export const start = Effect.fn("StartBorder.start")(function*(
  payload: string | Uint8Array
): Effect.fn.Return<InstanceInfo, StartFailure, Launcher> {
  const launcher = yield* Launcher
  const { restart, spec } = yield* Effect.mapError(StartPayload.decode(payload), unread)
  const failure = (code: StartCode, message: string) =>
    new StartFailure({ code, id: Option.some(spec.id), restart, message })

  const present = yield* Effect.option(launcher.get(spec.id))
  if (
    Option.isSome(present) && seedState(present.value.state) !== "exited" && equivalence(present.value.spec, spec)
  ) {
    return yield* failure("already_running", `instance ${spec.id} runs already: delete it first to start it anew`)
  }
  return yield* Effect.mapError(launcher.start(spec), (error) => failure(codeOf(error), error.message))
})
