/**
 * One instance's container at its engine.
 */
import { Effect, Option, Schedule } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import * as Containers from "../../docker/Containers.ts"
import * as ContainerWait from "../../docker/ContainerWait.ts"
import { type EngineError, is, isAway } from "../../docker/EngineError.ts"
import * as Networks from "../../docker/Networks.ts"
import type { BootConfig } from "../../Virtualizer.ts"
import { fail, HostFailure, ImageUnusable, StillAlive, type VirtualizerError } from "../../VirtualizerError.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"
import { type ContainerBoot, plan } from "./ContainerRequest.ts"
import { isLeaving, isRunning } from "./ContainerState.ts"
import { volumesOf } from "./DockerConfig.ts"
import type { DockerHost, Services } from "./DockerHost.ts"
import * as DockerVolumes from "./DockerVolumes.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

/** Nothing where there is none. */
const orNone = <A>(effect: Effect.Effect<A, EngineError>): Effect.Effect<A | undefined, EngineError> =>
  Effect.catchIf(effect, (error) => is(error, "NotFound"), () => Effect.undefined)

/**
 * The container of an instance as the engine sees it, being removed or not; nothing where there is none. It has the name that it was
 * made with, unless somebody gave it another.
 */
const lookUp = Effect.fnUntraced(function*(
  { config: { stateDirectory }, engine }: DockerHost,
  id: InstanceId,
  options: { readonly size?: boolean } = {}
): Effect.fn.Return<Containers.Container | undefined, EngineError> {
  const inspect = (name: string) => orNone(engine.execute(Containers.inspect(name, options)))
  const named = yield* inspect(ContainerIdentity.nameOf(stateDirectory, id))
  if (named !== undefined && ContainerIdentity.instanceOf(stateDirectory, named.Config.Labels) === id) return named
  const labels = ContainerIdentity.labelsFor(stateDirectory, id)
  const [renamed] = yield* engine.execute(Containers.list({ all: true, labels }))
  return renamed === undefined ? undefined : yield* inspect(renamed.Id)
})

/** The same of one that is rather not there: that it is not takes one call, which others share. */
const lookUpNew = (host: DockerHost, id: InstanceId): Effect.Effect<Containers.Container | undefined, EngineError> =>
  Effect.flatMap(
    host.list.find(id),
    (listed) =>
      listed === undefined
        ? Effect.undefined
        : orNone(host.engine.execute(Containers.inspect(listed.container)))
  )

const unlessLeaving = (container: Containers.Container | undefined): Containers.Container | undefined =>
  container === undefined || isLeaving(container.State) ? undefined : container

/** The container of an instance as the engine sees it now; nothing where there is none, or none but one that is being removed. */
export const find = (
  host: DockerHost,
  id: InstanceId,
  options: { readonly size?: boolean } = {}
): Effect.Effect<Containers.Container | undefined, EngineError> => Effect.map(lookUp(host, id, options), unlessLeaving)

/** The same of one that is rather not there. */
export const findNew = (
  host: DockerHost,
  id: InstanceId
): Effect.Effect<Containers.Container | undefined, EngineError> => Effect.map(lookUpNew(host, id), unlessLeaving)

/** The same of one container, by its own id. */
export const inspect = (
  { engine }: DockerHost,
  container: string
): Effect.Effect<Containers.Container | undefined, EngineError> =>
  Effect.map(orNone(engine.execute(Containers.inspect(container))), unlessLeaving)

/** How long a container that was told to end may take before it is looked at again. */
const killAgainAfter = "1 second"

/** How often a removal in progress is looked at. */
const lookAgainAfter = "20 millis"

/**
 * Removes an instance's container, which does not run, and what is left of one whose removal was cut short. Succeeds when there is
 * none. What the engine was asked it does: this is not interrupted in the middle, and has the engine's deadline.
 */
const remove = (host: DockerHost, id: InstanceId): Effect.Effect<void, EngineError> =>
  Effect.flatMap(
    lookUp(host, id),
    (container) =>
      container === undefined ? Effect.void : host.engine.execute(Containers.remove(container.Id)).pipe(
        orNone,
        // Somebody else is removing it.
        Effect.catchIf(
          (error) => is(error, "Conflict") && /already in progress/i.test(error.message),
          () =>
            orNone(host.engine.execute(Containers.inspect(container.Id))).pipe(
              Effect.repeat({ until: (left) => left === undefined, schedule: Schedule.spaced(lookAgainAfter) }),
              Effect.timeoutOption(host.config.killDeadline)
            )
        )
      )
  ).pipe(Effect.asVoid, Effect.uninterruptible)

/** Removes all that there is of an instance's container, which does not run, and its directory of mounts. */
export const discard = Effect.fnUntraced(function*(
  host: DockerHost,
  id: InstanceId
): Effect.fn.Return<void, VirtualizerError, Services> {
  yield* EngineTrouble.patiently(host.config, remove(host, id)).pipe(
    Effect.mapError(EngineTrouble.failure)
  )
  if (host.volumes === "none") return
  yield* DockerVolumes.release(host.config, id)
  yield* DockerVolumes.removeDirectory(host.config, id)
}, Effect.uninterruptible)

const createFailure = (image: string, name: string) => (error: EngineError): VirtualizerError =>
  is(error, "NotFound") && /no such image|image not known/i.test(error.message)
    ? fail(new ImageUnusable({ path: image, detail: "the engine does not have it: pull it first" }))
    : is(error, "Conflict")
    ? fail(
      new HostFailure({
        detail: `${EngineTrouble.detailOf(error)}: remove or rename what is called ${name} and is not this instance's`
      })
    )
    : EngineTrouble.refusal(error)

/** A container is kept that was made from the same spec. */
const checkKept = (spec: InstanceSpec, { Config: { Labels }, Name }: Containers.Container) =>
  Labels?.[ContainerIdentity.label.specHash] === ContainerIdentity.specHash(spec)
    ? Effect.void
    : Effect.fail(fail(
      new HostFailure({
        detail: `the container ${Name} is there, and was made from another spec: remove it first`
      })
    ))

/**
 * Makes the container, if it is not there, and answers its id. It is looked for first, unless it is known to be absent. Waits for
 * an engine that goes away meanwhile, and finds out then whether it was made. When it fails, or is interrupted, what it made is
 * removed. Fails with `ImageUnusable`, `NoSpace`, `HostFailure` or `Unreachable`.
 */
export const create = Effect.fnUntraced(function*(
  host: DockerHost,
  spec: InstanceSpec,
  source: ContainerBoot,
  boot: BootConfig,
  options: { readonly absent?: boolean } = {}
): Effect.fn.Return<string, VirtualizerError, Services> {
  const { config, engine } = host
  const name = ContainerIdentity.nameOf(config.stateDirectory, spec.id)
  let isOurs = false
  let isAbsent = options.absent === true

  const make = Effect.fnUntraced(function*(request: Containers.CreateRequest) {
    isOurs = true
    if (host.volumes !== "none") yield* DockerVolumes.makeDirectory(config, spec.id)
    const { Id } = yield* Effect.uninterruptible(engine.execute(Containers.create(name, request)))
    return Id
  })

  const attempt = Effect.fnUntraced(function*(isAbsent: boolean) {
    const found = isAbsent ? undefined : yield* lookUpNew(host, spec.id)
    if (found !== undefined && isLeaving(found.State)) yield* remove(host, spec.id)
    const kept = unlessLeaving(found)
    if (kept !== undefined) yield* checkKept(spec, kept)
    const { connect, create } = plan(spec, source, boot, {
      stateDirectory: config.stateDirectory,
      apiVersion: yield* engine.apiVersion,
      volumes: host.volumes === "none" ? undefined : volumesOf(config, spec.id),
      liveVolumes: host.volumes === "live"
    })
    const container = kept?.Id ?? (yield* make(create))
    // Who made it may have been cut short before it was connected to all.
    const networks = kept?.NetworkSettings.Networks ?? {}
    yield* Effect.forEach(
      connect.filter(({ network }) => networks[network] === undefined),
      ({ endpoint, network }) => engine.execute(Networks.connect(network, container, endpoint)),
      { discard: true }
    )
    return container
  })

  // What a launcher before this one asked for may be done only now.
  const hasCome = (error: EngineError | VirtualizerError) => error._tag === "EngineError" && is(error, "Conflict")
  const once = Effect.suspend(() => {
    if (!isAbsent) return attempt(false)
    isAbsent = false
    return Effect.catchIf(attempt(true), hasCome, () => {
      isOurs = false
      return attempt(false)
    })
  })

  return yield* EngineTrouble.patiently(config, once).pipe(
    Effect.mapError((error) => error._tag === "EngineError" ? createFailure(source.image, name)(error) : error),
    Effect.onError(() => isOurs ? Effect.ignore(discard(host, spec.id)) : Effect.void)
  )
})

/**
 * Ends a container by force, and returns when it does not run. Succeeds when it does not, or is not there. Fails with `StillAlive`,
 * `Unreachable` or `HostFailure`.
 */
export const kill = (
  { config, engine }: DockerHost,
  found: Effect.Effect<Containers.Container | undefined, EngineError>
): Effect.Effect<void, VirtualizerError> => {
  const gone = (error: EngineError) => is(error, "NotFound") || is(error, "Conflict")
  let handle = "its container"
  /** Answers whether it is over. */
  const attempt = Effect.gen(function*() {
    const container = yield* found
    if (container === undefined || !isRunning(container.State)) return true
    const { Id, State: { Paused } } = container
    handle = `container ${Id}`
    yield* Effect.catchIf(engine.execute(Containers.kill(Id, "SIGKILL")), gone, () => Effect.void)
    // One that is frozen hears nothing. One that has ended meanwhile is not paused.
    if (Paused) {
      yield* Effect.catchIf(engine.execute(Containers.unpause(Id)), (error) => !isAway(error), () => Effect.void)
    }
    const stopped = Effect.catchIf(ContainerWait.untilStopped(engine, Id), gone, () => Effect.void)
    // It may have been paused just then, unseen.
    return Option.isSome(yield* Effect.timeoutOption(stopped, killAgainAfter))
  })
  return Effect.repeat(attempt, { until: (isOver) => isOver }).pipe(
    Effect.asVoid,
    Effect.mapError(EngineTrouble.failure),
    Effect.timeoutOrElse({
      duration: config.killDeadline,
      orElse: () => Effect.suspend(() => Effect.fail(fail(new StillAlive({ handle }))))
    })
  )
}

/**
 * Starts a container, by its id or name. Waits for an engine that goes away meanwhile, and finds out then whether it was started.
 * Undoing it is left to the caller. Fails with `LaunchFailed`, `NoSpace`, `HostFailure` or `Unreachable`.
 */
export const start = (host: DockerHost, container: string): Effect.Effect<void, VirtualizerError> =>
  EngineTrouble.patiently(
    host.config,
    Effect.uninterruptible(host.engine.execute(Containers.start(container), { deadline: host.config.startDeadline }))
  ).pipe(Effect.mapError(EngineTrouble.launchFailure))
