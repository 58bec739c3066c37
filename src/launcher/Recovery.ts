/**
 * The beginning of a launcher: it takes hold of all that is on record, in parallel, and goes on with what was under way.
 */
import { Deferred, Duration, Effect, Scope, Stream } from "effect"
import type { Guest } from "../Virtualizer.ts"
import { within } from "./Attempt.ts"
import type { Instance } from "./Instance.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import { enter, type LauncherNode } from "./LauncherNode.ts"
import { recovered } from "./Situation.ts"
import * as UnavailableGuest from "./UnavailableGuest.ts"

/**
 * Takes hold of the instances of these records. Returns when all have been looked at, or after `adoptionWait`: one that does
 * not answer keeps nobody waiting, and is looked at all the same.
 */
export const recover = Effect.fnUntraced(function*(node: LauncherNode, records: ReadonlyArray<InstanceRecord>) {
  noteBegun(node)
  // What is wanted comes first: what is said to be leaving may have left before that could be written.
  for (const { desired, id } of records) for (const volume of desired.volumes) node.around.claims.take(volume.id, id)
  const found = yield* Effect.forEach(records, (record) => resume(node, record), {
    concurrency: node.config.probesAtOnce
  })
  yield* Effect.forEach(found, (instance) => Deferred.await(instance.adopted), { discard: true }).pipe(
    Effect.timeoutOption(node.config.adoptionWait)
  )
})

/** From now on instances are told when their guests begin, whoever starts them. */
const noteBegun = ({ registry, run, virtualizers }: LauncherNode): void => {
  for (const { begun = Stream.empty } of virtualizers.values()) {
    run(Stream.runForEach(begun, (id) => Effect.sync(() => registry.get(id)?.watching.begun())))
  }
}

/** Enters an instance that is on record, and runs its loop. */
export const resume = Effect.fnUntraced(function*(node: LauncherNode, record: InstanceRecord) {
  const { around, config: { probeDeadline }, run, scopes, store, virtualizers } = node
  const { id, spec } = record
  const own = yield* Scope.fork(scopes)
  const virtualizer = virtualizers.get(spec.virtualizer)
  const guest = virtualizer === undefined
    ? UnavailableGuest.make(
      `this node has no virtualizer ${spec.virtualizer}: configure it, and the instance is back`
    )
    : yield* virtualizer.make(spec, store.directory(id)).pipe(
      Scope.provide(own),
      Effect.catch((error) => Effect.succeed(UnavailableGuest.make(error.message))),
      Effect.catchDefect((defect) => Effect.succeed(UnavailableGuest.make(`the virtualizer broke: ${String(defect)}`))),
      (made) => within(made, probeDeadline, () => Effect.succeed(late(probeDeadline)))
    )
  const instance: Instance = enter(node, {
    situation: recovered(record, around.nowMillis(), around.config),
    saved: record,
    guest,
    virtualizer,
    isForGuest: false
  })
  run(instance.loop(own))
  return instance
})

const late = (deadline: Duration.Duration): Guest =>
  UnavailableGuest.make(
    `its virtualizer did not take it within ${Duration.toMillis(deadline)} ms: the next launcher asks again`
  )
