/**
 * What is done about all instances of a node at once: it is evacuated, or reset. Both are on record before they begin, and the next
 * launcher goes on where this one ends.
 */
import { Cause, Effect, Exit, Stream } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { NodeTask } from "../domain/NodeStatus.ts"
import { ask } from "./Commands.ts"
import { fail, type LauncherError, StateFailure, Superseded } from "./LauncherError.ts"
import type { LauncherNode } from "./LauncherNode.ts"
import * as Orphans from "./Orphans.ts"

/** What was removed, or could not be: then `failure` says why, and it is there still. */
export interface Removal {
  /** An instance; a guest, or what is left of one, without a record; or a record that could not be read. */
  readonly what: "instance" | "orphan" | "record"
  /** The instance, or where the record was. */
  readonly name: string
  readonly failure: LauncherError | undefined
  /** How many are done with this one, of how many. */
  readonly done: number
  readonly total: number
}

type Removals = Stream.Stream<Removal, LauncherError>

/** Removes the records of instances one after the other, some at a time. Each is told when it is done. */
const each = <A>(
  { config }: LauncherNode,
  what: Removal["what"],
  all: ReadonlyArray<A>,
  nameOf: (one: A) => string,
  remove: (one: A) => Effect.Effect<void, LauncherError>
): Removals => {
  let done = 0
  return Stream.fromIterable(all).pipe(
    Stream.mapEffect(
      (one) =>
        Effect.map(Effect.exit(remove(one)), (exit) => ({
          what,
          name: nameOf(one),
          failure: Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason)?.error : undefined,
          done: ++done,
          total: all.length
        })),
      { concurrency: config.removalsAtOnce, unordered: true }
    )
  )
}

/** Begins what is on record from then on, and ends it there when the stream does, but not when the launcher closes. */
const during = (node: LauncherNode, task: NodeTask, removals: () => Removals): Removals =>
  Stream.unwrap(Effect.as(
    node.admitting.withPermits(1)(node.state.begin(task)),
    Stream.suspend(removals).pipe(
      Stream.onExit(() => node.isClosed() ? Effect.void : Effect.ignore(node.state.end(task)))
    )
  ))

/** Stops an instance as a stop does, then removes it. */
const evacuateOne = (node: LauncherNode, id: InstanceId): Effect.Effect<void, LauncherError> =>
  Effect.suspend(() => {
    if (node.state.task === null) return Effect.fail(fail(new Superseded({ id, by: "restore" })))
    return Effect.andThen(Effect.ignore(ask(node, id, { _tag: "Stop" })), gone(node, id))
  })

const gone = (node: LauncherNode, id: InstanceId): Effect.Effect<void, LauncherError> =>
  Effect.catchReason(ask(node, id, { _tag: "Delete" }), "LauncherError", "NoInstance", () => Effect.void)

const ids = ({ registry }: LauncherNode): ReadonlyArray<InstanceId> => registry.all.map(({ id }) => id)

const sameName = (id: InstanceId): string => id

/** Puts the node into maintenance, and stops and removes every instance. */
export const evacuate = (node: LauncherNode): Removals =>
  during(node, "evacuation", () => each(node, "instance", ids(node), sameName, (id) => evacuateOne(node, id)))

/** Ends and removes everything, also what has no record that can be read. */
export const reset = (node: LauncherNode): Removals =>
  during(node, "reset", () => {
    const instances = each(node, "instance", ids(node), sameName, (id) => gone(node, id))
    const orphans = Stream.unwrap(Effect.map(
      Orphans.list(node),
      (found) => each(node, "orphan", found, ({ id }) => id, ({ id }) => Orphans.destroy(node, id))
    ))
    const records = Stream.unwrap(Effect.map(
      Effect.mapError(node.store.removeUnreadable(), (error) => fail(new StateFailure({ detail: error.message }))),
      (paths) => each(node, "record", paths, (path) => path, () => Effect.void)
    ))
    return instances.pipe(Stream.concat(orphans), Stream.concat(records))
  })

/** Goes on with what the launcher before was doing. */
export const goOn = (node: LauncherNode): Effect.Effect<void> => {
  const { task } = node.state
  if (task === null) return Effect.void
  const removals = task === "reset" ? reset(node) : evacuate(node)
  return Stream.runForEach(removals, ({ failure, name }) =>
    failure === undefined
      ? Effect.logInfo(`${task}: ${name} is removed`)
      : Effect.logError(`${task}: ${name} could not be removed: ${failure.message}`)).pipe(
      Effect.catch((error) => Effect.logError(`the ${task} of this node could not be gone on with: ${error.message}`))
    )
}
