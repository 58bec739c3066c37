/**
 * One instance's container at its engine.
 */
import { Effect, Schedule } from "effect"
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

/** The name that an instance's container has. */
export const nameOf = ({ config }: DockerHost, id: InstanceId): string =>
  ContainerIdentity.nameOf(config.stateDirectory, id)

/** Nothing where there is none. */
const orNone = <A>(effect: Effect.Effect<A, EngineError>): Effect.Effect<A | undefined, EngineError> =>
  Effect.catchIf(effect, (error) => is(error, "NotFound"), () => Effect.undefined)

/** The container as the engine sees it now; nothing where there is none, or none but one that is being removed. */
export const find = (
  { engine }: DockerHost,
  name: string,
  options: { readonly size?: boolean } = {}
): Effect.Effect<Containers.Container | undefined, EngineError> =>
  Effect.map(
    orNone(engine.execute(Containers.inspect(name, options))),
    (container) => container === undefined || isLeaving(container.State) ? undefined : container
  )

/** How often a removal in progress is looked at. */
const lookAgainAfter = "20 millis"

/**
 * Removes a container that does not run, and what is left of one whose removal was cut short. Succeeds when there is none. What the
 * engine was asked it does: this is not interrupted in the middle, and has the engine's deadline.
 */
export const remove = ({ config, engine }: DockerHost, name: string): Effect.Effect<void, EngineError> =>
  engine.execute(Containers.remove(name)).pipe(
    orNone,
    // Somebody else is removing it.
    Effect.catchIf(
      (error) => is(error, "Conflict") && /already in progress/i.test(error.message),
      () =>
        orNone(engine.execute(Containers.inspect(name))).pipe(
          Effect.repeat({ until: (container) => container === undefined, schedule: Schedule.spaced(lookAgainAfter) }),
          Effect.timeoutOption(config.killDeadline)
        )
    ),
    Effect.asVoid,
    Effect.uninterruptible
  )

/** Removes all that there is of an instance's container, which does not run, and its directory of mounts. */
export const discard = Effect.fnUntraced(function*(
  host: DockerHost,
  id: InstanceId
): Effect.fn.Return<void, VirtualizerError, Services> {
  yield* EngineTrouble.patiently(host.config, remove(host, nameOf(host, id))).pipe(
    Effect.mapError(EngineTrouble.failure)
  )
  if (host.volumes === "none") return
  yield* DockerVolumes.release(host.config, id)
  yield* DockerVolumes.removeDirectory(host.config, id)
}, Effect.uninterruptible)

const createFailure = (image: string) => (error: EngineError): VirtualizerError =>
  is(error, "NotFound") && /no such image|image not known/i.test(error.message)
    ? fail(new ImageUnusable({ path: image, detail: "the engine does not have it: pull it first" }))
    : EngineTrouble.failure(error)

/** A container is kept that was made for this instance, from the same spec. */
const checkKept = (spec: InstanceSpec, container: Containers.Container, stateDirectory: string) => {
  const labels = container.Config.Labels
  return ContainerIdentity.instanceOf(stateDirectory, labels) === spec.id &&
      labels?.[ContainerIdentity.label.specHash] === ContainerIdentity.specHash(spec)
    ? Effect.void
    : Effect.fail(fail(
      new HostFailure({
        detail:
          `the container ${container.Name} is there, and was made from another spec: move it away, or remove it, first`
      })
    ))
}

/**
 * Makes the container, if it is not there. Waits for an engine that goes away meanwhile, and finds out then whether it was made.
 * When it fails, or is interrupted, what it made is removed. Fails with `ImageUnusable`, `NoSpace`, `HostFailure` or `Unreachable`.
 */
export const create = Effect.fnUntraced(function*(
  host: DockerHost,
  spec: InstanceSpec,
  source: ContainerBoot,
  boot: BootConfig
): Effect.fn.Return<void, VirtualizerError, Services> {
  const { config, engine } = host
  const name = nameOf(host, spec.id)
  let isOurs = false

  const once = Effect.gen(function*() {
    const found = yield* orNone(engine.execute(Containers.inspect(name)))
    if (found !== undefined && isLeaving(found.State)) yield* remove(host, name)
    const kept = found === undefined || isLeaving(found.State) ? undefined : found
    if (kept !== undefined) yield* checkKept(spec, kept, config.stateDirectory)
    const { apiVersion } = yield* engine.version
    const { connect, create } = plan(spec, source, boot, {
      stateDirectory: config.stateDirectory,
      apiVersion,
      volumes: host.volumes === "none" ? undefined : volumesOf(config, spec.id),
      liveVolumes: host.volumes === "live"
    })
    if (kept === undefined) {
      isOurs = true
      if (host.volumes !== "none") yield* DockerVolumes.makeDirectory(config, spec.id)
      yield* Effect.uninterruptible(engine.execute(Containers.create(name, create)))
    }
    // Who made it may have been cut short before it was connected to all.
    const networks = kept?.NetworkSettings.Networks ?? {}
    yield* Effect.forEach(
      connect.filter(({ network }) => networks[network] === undefined),
      ({ endpoint, network }) => engine.execute(Networks.connect(network, name, endpoint)),
      { discard: true }
    )
  })

  yield* EngineTrouble.patiently(config, once).pipe(
    Effect.mapError((error) => error._tag === "EngineError" ? createFailure(source.image)(error) : error),
    Effect.onError(() => isOurs ? Effect.ignore(discard(host, spec.id)) : Effect.void)
  )
})

/**
 * Ends a container by force, and returns when it does not run. Succeeds when it does not, or is not there. Fails with `StillAlive`,
 * `Unreachable` or `HostFailure`.
 */
export const kill = Effect.fnUntraced(function*(
  { config, engine }: DockerHost,
  name: string
): Effect.fn.Return<void, VirtualizerError> {
  const gone = (error: EngineError) => is(error, "NotFound") || is(error, "Conflict")
  yield* Effect.gen(function*() {
    const container = yield* orNone(engine.execute(Containers.inspect(name)))
    if (container === undefined || !isRunning(container.State)) return
    yield* Effect.catchIf(engine.execute(Containers.kill(name, "SIGKILL")), gone, () => Effect.void)
    // One that is frozen hears nothing. One that has ended meanwhile is not paused.
    if (container.State.Paused) {
      yield* Effect.catchIf(engine.execute(Containers.unpause(name)), (error) => !isAway(error), () => Effect.void)
    }
    yield* Effect.catchIf(ContainerWait.untilStopped(engine, name), gone, () => Effect.void)
  }).pipe(
    Effect.mapError(EngineTrouble.failure),
    Effect.timeoutOrElse({
      duration: config.killDeadline,
      orElse: () => Effect.fail(fail(new StillAlive({ handle: `container ${name}` })))
    })
  )
})

/**
 * Starts a container. Waits for an engine that goes away meanwhile, and finds out then whether it was started. Undoing it is left to
 * the caller. Fails with `LaunchFailed`, `NoSpace`, `HostFailure` or `Unreachable`.
 */
export const start = (host: DockerHost, name: string): Effect.Effect<void, VirtualizerError> =>
  EngineTrouble.patiently(
    host.config,
    Effect.uninterruptible(host.engine.execute(Containers.start(name), { deadline: host.config.startDeadline }))
  ).pipe(Effect.mapError(EngineTrouble.launchFailure))
