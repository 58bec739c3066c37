/**
 * What is done about all instances of a node at once: it is evacuated, or reset. Both are on record before they begin, and the next
 * launcher goes on where this one ends.
 */
import { Deferred, Duration, Effect, Result, Schedule, Stream } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { NodeTask } from "../domain/NodeStatus.ts"
import { ask, mustBeOpen } from "./Commands.ts"
import { fail, type LauncherError, StateFailure, Superseded, TimedOut } from "./LauncherError.ts"
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

/** Removes one after the other, some at a time. Each is told when it is done. */
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
        Effect.map(Effect.result(remove(one)), (result) => ({
          what,
          name: nameOf(one),
          failure: Result.isFailure(result) ? result.failure : undefined,
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
    // An interruption meanwhile must not leave it on record.
    Effect.acquireRelease(
      node.admitting.withPermits(1)(Effect.andThen(mustBeOpen(node), node.state.begin(task))),
      () => node.isClosed() ? Effect.void : end(node, task)
    ),
    Stream.suspend(removals)
  ))

/** It is over. Where that can not be written it is tried again: until then nothing starts, now or after the next launcher's beginning. */
const end = (node: LauncherNode, task: NodeTask): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { config, run, state } = node
    state.end(task)
    return state.settle.pipe(Effect.catch((error) => {
      run(Effect.retry(state.settle, Schedule.spaced(config.recordRetry)))
      return Effect.logError(`the end of the ${task} of this node can not be written yet: ${error.message}`)
    }))
  })

/** Stops an instance as a stop does, then removes it, unless the node was restored meanwhile. */
const evacuateOne = (node: LauncherNode, id: InstanceId): Effect.Effect<void, LauncherError> => {
  const isWanted = Effect.suspend(() =>
    node.state.task === null ? Effect.fail(fail(new Superseded({ id, by: "restore" }))) : Effect.void
  )
  // One that can not be stopped is not waited for longer than that should take: others wait for their turn.
  const grace = node.registry.get(id)?.spec.stopGrace ?? Duration.zero
  const stop = Effect.ignore(Effect.timeout(
    ask(node, id, { _tag: "Stop" }),
    Duration.sum(grace, node.config.stopDeadline)
  ))
  return isWanted.pipe(Effect.andThen(stop), Effect.andThen(isWanted), Effect.andThen(gone(node, id)))
}

/** Deletes an instance. That goes on where it takes longer than it should. */
const gone = (node: LauncherNode, id: InstanceId): Effect.Effect<void, LauncherError> => {
  const { commandDeadline, deleteDeadline, stopDeadline } = node.config
  const duration = Duration.min(commandDeadline, Duration.sum(stopDeadline, deleteDeadline))
  const afterMillis = Duration.toMillis(duration)
  return Effect.catchReason(ask(node, id, { _tag: "Delete" }), "LauncherError", "NoInstance", () => Effect.void).pipe(
    Effect.timeoutOrElse({
      duration,
      orElse: () => Effect.fail(fail(new TimedOut({ id, goesOn: "delete", afterMillis })))
    })
  )
}

const ids = ({ registry }: LauncherNode): ReadonlyArray<InstanceId> => registry.all.map(({ id }) => id)

/** Waits for those who adopt or destroy an orphan right now. */
const handled = ({ handling }: LauncherNode): Effect.Effect<void> =>
  Effect.forEach(Array.from(handling.values()), (one) => Deferred.await(one), { discard: true })

const sameName = (id: InstanceId): string => id

/** Puts the node into maintenance, and stops and removes every instance. */
export const evacuate = (node: LauncherNode): Removals =>
  during(node, "evacuation", () => each(node, "instance", ids(node), sameName, (id) => evacuateOne(node, id)))

/** Ends and removes everything, also what has no record that can be read. */
export const reset = (node: LauncherNode): Removals =>
  during(node, "reset", () => {
    const instances = each(node, "instance", ids(node), sameName, (id) => gone(node, id))
    const orphans = Stream.unwrap(Effect.map(
      Effect.andThen(handled(node), Orphans.list(node)),
      (found) => each(node, "orphan", found, ({ id }) => id, ({ id }) => Orphans.destroy(node, id))
    ))
    const records = Stream.unwrap(Effect.map(
      Effect.andThen(
        mustBeOpen(node),
        Effect.mapError(Orphans.removeUnreadable(node, undefined), (error) =>
          fail(new StateFailure({ detail: error.message })))
      ),
      (paths) =>
        each(node, "record", paths, (path) => path, () => Effect.void)
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
