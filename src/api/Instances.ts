/**
 * Instances by what their users call them.
 */
import { Effect, Option, Schema } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { Launcher } from "../launcher/Launcher.ts"
import { ofLauncher } from "./Failures.ts"
import { make, type Problem } from "./Problem.ts"

const decodeId = Schema.decodeOption(InstanceId)

/** An instance by its id, in upper or lower case, or its name, which is never an id. Fails with `no_instance`. */
export const find = Effect.fnUntraced(function*(ref: string): Effect.fn.Return<InstanceInfo, Problem, Launcher> {
  const launcher = yield* Launcher
  const id = decodeId(ref.toLowerCase())
  if (Option.isSome(id)) return yield* Effect.mapError(launcher.get(id.value), ofLauncher)
  const named = (yield* launcher.list).find(({ spec }) => spec.name === ref)
  return named ?? (yield* make("no_instance", {
    detail: `there is no instance with the name ${ref} on this node`,
    hint: "GET /v1/instances lists those that are there",
    instance: ref
  }))
})

/** Its id. */
export const idOf = (ref: string): Effect.Effect<InstanceId, Problem, Launcher> =>
  Effect.map(find(ref), ({ spec }) => spec.id)
