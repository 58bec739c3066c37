/**
 * Getting images: one pull for all who want the same one at the same time.
 */
import { Deferred, Effect, type Path, RcMap, type Scope, Stream, SubscriptionRef } from "effect"
import type { ImageProgress } from "../../domain/Image.ts"
import type * as EngineClient from "../../docker/EngineClient.ts"
import { type EngineError, is } from "../../docker/EngineError.ts"
import * as ImagePull from "../../docker/ImagePull.ts"
import type * as ImageReference from "../../docker/ImageReference.ts"
import * as Images from "../../docker/Images.ts"
import * as RegistryCredentials from "../../docker/RegistryCredentials.ts"
import { fail, HostFailure, ImageUnusable, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"
import { type ContainerBoot, referenceOf } from "./ContainerRequest.ts"
import type { DockerConfig } from "./DockerConfig.ts"
import type { Services } from "./DockerHost.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

export interface ImagePulls {
  /** Whether an image is there. Fails with `Unreachable` or `HostFailure`. */
  readonly isThere: (source: ContainerBoot) => Effect.Effect<boolean, VirtualizerError>

  /**
   * Pulls an image unless it is there. Who wants what is being pulled joins, and sees its progress; when nobody wants it any more
   * the pull is cancelled, and the engine drops what it has of it. Waits for an engine that goes away meanwhile.
   *
   * Fails with `ImageUnusable` when it is not found or denied, `NoSpace`, `HostFailure` when its registry is not to be reached,
   * and `Unreachable` when the engine is not.
   */
  readonly ensure: (source: ContainerBoot) => Stream.Stream<ImageProgress, VirtualizerError>
}

/** One pull. */
interface Pulling {
  readonly progress: SubscriptionRef.SubscriptionRef<ImageProgress | undefined>
  readonly done: Deferred.Deferred<void, VirtualizerError>
}

/** What a failed pull means to a launcher, and what to do about it. */
const pullFailure = (image: string, error: EngineError): VirtualizerError => {
  const { reason } = error
  if (reason._tag === "BadCredentials") return fail(new HostFailure({ detail: error.message }))
  if (reason._tag !== "PullFailed") return EngineTrouble.failure(error)
  const { detail, trouble } = reason
  switch (trouble) {
    case "not-found":
      return fail(
        new ImageUnusable({ path: image, detail: `it was not found: ${detail}: correct the name, or push it` })
      )
    case "denied":
      return fail(
        new ImageUnusable({ path: image, detail: `access was denied: ${detail}: docker login to its registry` })
      )
    case "no-space":
      return fail(new NoSpace({ path: `the engine's data directory, for ${image}` }))
    case "unreachable":
      return fail(
        new HostFailure({ detail: `the registry of ${image} can not be reached: ${detail}: try again later` })
      )
    case "other":
      return fail(new HostFailure({ detail: `${image} could not be pulled: ${detail}` }))
  }
}

/** The pulls of a node. The scope cancels those in progress. */
export const make = Effect.fnUntraced(function*(
  engine: EngineClient.Shape,
  config: DockerConfig
): Effect.fn.Return<ImagePulls, never, Scope.Scope | Services> {
  const services = yield* Effect.context<Services>()
  const directory: Effect.Effect<string, never, Path.Path> = config.credentialsDirectory === undefined
    ? RegistryCredentials.directory
    : Effect.succeed(config.credentialsDirectory)

  const look = ({ image }: ContainerBoot): Effect.Effect<boolean, EngineError> =>
    engine.execute(Images.inspect(image)).pipe(
      Effect.as(true),
      Effect.catchIf((error) => is(error, "NotFound"), () => Effect.succeed(false))
    )

  const pull = (source: ContainerBoot, reference: ImageReference.ImageReference, { progress }: Pulling) =>
    Effect.gen(function*() {
      const auth = yield* RegistryCredentials.find(reference.registry, yield* directory)
      yield* Stream.runForEach(
        ImagePull.pull(engine, reference, auth),
        // A pull that is begun again does not go back.
        (told) =>
          SubscriptionRef.update(progress, (before) => told.doneBytes < (before?.doneBytes ?? 0) ? before : told)
      )
    }).pipe(
      (once) => EngineTrouble.patiently(config, once),
      Effect.mapError((error) => pullFailure(source.image, error)),
      Effect.provideContext(services)
    )

  const pulls = yield* RcMap.make({
    lookup: (image: string) =>
      Effect.gen(function*() {
        const pulling: Pulling = {
          progress: yield* SubscriptionRef.make<ImageProgress | undefined>(undefined),
          done: yield* Deferred.make<void, VirtualizerError>()
        }
        const source: ContainerBoot = { kind: "container", image }
        const reference = referenceOf(source)
        const whole: Effect.Effect<void, VirtualizerError> = reference === undefined
          ? Effect.fail(fail(new ImageUnusable({ path: image, detail: "no image has this id: pull it by its name" })))
          : pull(source, reference, pulling)
        yield* Effect.forkScoped(Effect.onExit(whole, (exit) => Deferred.done(pulling.done, exit)))
        return pulling
      })
  })

  const join = Effect.fnUntraced(function*({ image }: ContainerBoot) {
    const { done, progress } = yield* RcMap.get(pulls, image)
    return SubscriptionRef.changes(progress).pipe(
      Stream.filter((told) => told !== undefined),
      Stream.interruptWhen(Deferred.await(done))
    )
  })

  return {
    isThere: (source) => Effect.mapError(look(source), EngineTrouble.failure),
    ensure: (source) =>
      Stream.unwrap(
        EngineTrouble.patiently(config, look(source)).pipe(
          Effect.mapError(EngineTrouble.failure),
          Effect.flatMap((isThere) => isThere ? Effect.succeed(Stream.empty) : join(source))
        )
      )
  }
})
