/**
 * The beginning of an instance, which is started or not: one that is there already, or a new one that is admitted to the node.
 */
import { Effect, Exit, Scope } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { equivalence, type InstanceSpec } from "../domain/InstanceSpec.ts"
import type { Guest, Virtualizer } from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import { initial } from "./InstanceRecord.ts"
import {
  AlreadyAttached,
  fail,
  InstanceExists,
  LauncherClosed,
  type LauncherError,
  NotSupported,
  StepFailed
} from "./LauncherError.ts"
import { enter, type LauncherNode } from "./LauncherNode.ts"
import { fresh } from "./Situation.ts"
import type { Command } from "./Wish.ts"

/** Lets something be interrupted again. */
export type Restore = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** What brings an instance about: it is only created, or started too. */
export type Beginning = Extract<Command, { readonly _tag: "Create" | "Start" }>

/**
 * Brings an instance about, for whoever makes all but the waiting uninterruptible: `restore` is for that. Once it succeeds, its
 * caller has the instance.
 */
export const begin = (
  node: LauncherNode,
  restore: Restore,
  spec: InstanceSpec,
  command: Beginning
): Effect.Effect<InstanceInfo, LauncherError> =>
  Effect.andThen(restore(node.sampler.known), admit(node, spec, command)).pipe(
    Effect.flatMap(({ instance, waiter }) =>
      restore(instance.callers.answer(waiter)).pipe(
        Effect.onInterrupt(() => instance.callers.withdraw(waiter)),
        // An instance that was just going never considered it: it is a new one.
        Effect.flatMap((considered) =>
          considered ? Effect.sync(() => instance.info) : begin(node, restore, spec, command)
        )
      )
    )
  )

/** One at a time: two of one id must not both make it. */
const admit = (node: LauncherNode, spec: InstanceSpec, command: Beginning) =>
  node.admitting.withPermits(1)(Effect.suspend(() => {
    const present = node.registry.get(spec.id)
    if (node.isClosed()) return Effect.fail(fail(new LauncherClosed()))
    if (present === undefined) return add(node, spec, command)
    // Of one that is being deleted it is as good: it is told so, or takes its place.
    return equivalence(present.spec, spec) || present.situation.record.desired.power === "deleted"
      ? Effect.map(present.callers.enqueue(command), (waiter) => ({ instance: present, waiter }))
      : Effect.fail(
        fail(new InstanceExists({ id: spec.id, detail: "it exists with another specification: delete it first" }))
      )
  }))

const add = Effect.fnUntraced(function*(node: LauncherNode, spec: InstanceSpec, command: Beginning) {
  const { around, handling, run } = node
  const { id } = spec
  if (handling.has(id)) {
    const detail = "what is left of that id is being adopted or destroyed: ask again when that is done"
    return yield* fail(new InstanceExists({ id, detail }))
  }
  yield* isNameFree(node, spec)
  const refused = around.refusal(spec, command._tag === "Start" ? "instance" : "place")
  if (refused !== undefined) return yield* fail(refused)
  const { guest, own, virtualizer } = yield* make(node, spec)
  yield* claim(node, spec).pipe(Effect.onError(() => Scope.close(own, Exit.void)))
  const instance = enter(node, { situation: fresh(initial(spec)), saved: undefined, guest, virtualizer })
  const waiter = yield* instance.callers.enqueue(command)
  run(instance.loop(own))
  return { instance, waiter }
})

/** Fails with `InstanceExists` when another instance has the name of a spec. */
export const isNameFree = (
  { registry }: LauncherNode,
  { id, name }: InstanceSpec
): Effect.Effect<void, LauncherError> =>
  Effect.suspend(() => {
    const namesake = name === undefined ? undefined : registry.named(name)
    return namesake === undefined
      ? Effect.void
      : Effect.fail(fail(new InstanceExists({ id, detail: `its name, ${name}, is that of instance ${namesake}` })))
  })

/** Binds a spec to its virtualizer, in a scope that becomes the instance's own. Fails with `NotSupported`. */
export const make = Effect.fnUntraced(function*(
  { scopes, store, virtualizers }: LauncherNode,
  spec: InstanceSpec
): Effect.fn.Return<
  { readonly guest: Guest; readonly own: Scope.Closeable; readonly virtualizer: Virtualizer },
  LauncherError
> {
  const { id } = spec
  const virtualizer = virtualizers.get(spec.virtualizer)
  if (virtualizer === undefined) return yield* fail(new NotSupported({ what: `virtualizer ${spec.virtualizer}` }))
  const own = yield* Scope.fork(scopes)
  const guest = yield* virtualizer.make(spec, store.directory(id)).pipe(
    Scope.provide(own),
    Effect.mapError(refusal(id)),
    Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
  )
  return { guest, own, virtualizer }
})

/** Takes the volumes of a spec for its instance, all or none. Fails with `AlreadyAttached`. */
export const claim = (node: LauncherNode, spec: InstanceSpec): Effect.Effect<void, LauncherError> =>
  Effect.suspend(() => {
    for (const { id: volume } of spec.volumes) {
      const holder = node.around.claims.take(volume, spec.id)
      if (holder === undefined) continue
      unclaim(node, spec)
      return Effect.fail(fail(new AlreadyAttached({ volume, id: holder })))
    }
    return Effect.void
  })

/** Gives them back. */
export const unclaim = ({ around: { claims } }: LauncherNode, { id, volumes }: InstanceSpec): void => {
  for (const volume of volumes) claims.release(volume.id, id)
}

/** A virtualizer that can not run such a spec: nothing was recorded. */
const refusal = (id: InstanceId) => (error: VirtualizerError): LauncherError =>
  fail(
    error.reason._tag === "NotSupported"
      ? new NotSupported({ what: error.reason.what })
      : new StepFailed({ id, phase: "admit", failure: "instance_failure", detail: error.message })
  )
