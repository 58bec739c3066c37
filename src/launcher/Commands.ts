/**
 * Commands to instances that are there.
 */
import { Effect } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { Instance } from "./Instance.ts"
import { fail, LauncherClosed, type LauncherError, NoInstance } from "./LauncherError.ts"
import type { LauncherNode } from "./LauncherNode.ts"
import { type Command, isStart } from "./Wish.ts"

/** An instance. Fails with `NoInstance` where there is none. */
export const find = (node: LauncherNode, id: InstanceId): Effect.Effect<Instance, LauncherError> =>
  Effect.suspend(() => {
    const instance = node.registry.get(id)
    if (instance !== undefined) return Effect.succeed(instance)
    return Effect.fail(fail(node.isClosed() ? new LauncherClosed() : new NoInstance({ id })))
  })

/** Asks an instance for something, and waits for its answer. */
export const ask = (node: LauncherNode, id: InstanceId, command: Command): Effect.Effect<void, LauncherError> => {
  const asked = Effect.flatMap(find(node, id), (instance) => instance.callers.submit(command)).pipe(
    Effect.flatMap((considered) =>
      considered || command._tag === "Delete" ? Effect.void : Effect.fail(fail(new NoInstance({ id })))
    )
  )
  // What the node has is known before a guest more is to fit on it.
  return isStart(command) ? Effect.andThen(node.sampler.known, asked) : asked
}
