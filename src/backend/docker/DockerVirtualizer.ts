/**
 * Containers by a Docker Engine (https://docs.docker.com/engine/, 20.10 or later), or by another that speaks its API.
 */
import { Effect, FileSystem, type Layer, Option, Path, type Scope, Semaphore, Stream } from "effect"
import * as Containers from "../../docker/Containers.ts"
import { EngineClient } from "../../docker/EngineClient.ts"
import type { FoundGuest, Virtualizer, Virtualizers } from "../../Virtualizer.ts"
import { fail, NotSupported, type VirtualizerError } from "../../VirtualizerError.ts"
import * as VirtualizerLayer from "../../VirtualizerLayer.ts"
import * as ContainerEvents from "./ContainerEvents.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"
import * as ContainerList from "./ContainerList.ts"
import { unsupported } from "./ContainerRequest.ts"
import { DockerConfig } from "./DockerConfig.ts"
import * as DockerContainer from "./DockerContainer.ts"
import * as DockerGuest from "./DockerGuest.ts"
import type { DockerHost, Services } from "./DockerHost.ts"
import * as DockerVolumes from "./DockerVolumes.ts"
import * as EngineTrouble from "./EngineTrouble.ts"
import * as ImagePulls from "./ImagePulls.ts"
import * as Mounts from "./Mounts.ts"

/** A path with every link resolved, as far as it is there. */
const realPath = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<string, never, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { basename, dirname, join } = yield* Path.Path
  const real = yield* Effect.option(fs.realPath(path))
  if (Option.isSome(real)) return real.value
  const parent = dirname(path)
  return parent === path ? path : join(yield* realPath(parent), basename(path))
})

/** What can be done with volumes: mounting takes root, on the engine's own host. */
const volumesOn = Effect.fnUntraced(function*(directory: string, isLocal: boolean) {
  if (!isLocal || process.getuid?.() !== 0) return "none"
  return Mounts.isShared(yield* Mounts.all, directory) ? "live" : "at-start"
})

/**
 * The Docker virtualizer of a node. Waits for nothing that it asks of the engine, and writes nothing: that it is away is found out
 * by the first call. The scope ends what watches its containers. Fails with `HostFailure`.
 */
export const make = Effect.fn("DockerVirtualizer.make")(function*(
  configured: DockerConfig
): Effect.fn.Return<Virtualizer, VirtualizerError, EngineClient | Scope.Scope | Services> {
  const { normalize } = yield* Path.Path
  const stateDirectory = normalize(configured.stateDirectory).replace(/(?<=.)\/+$/, "")
  const engine = yield* EngineClient
  const volumesDirectory = yield* realPath(configured.volumesDirectory ?? `${stateDirectory}/mounted`)
  const config: DockerConfig = { ...configured, stateDirectory, volumesDirectory }
  const containers = yield* ContainerList.make(engine, stateDirectory)
  const host: DockerHost = {
    config,
    engine,
    events: yield* ContainerEvents.make(engine, containers, config),
    list: containers,
    leisure: yield* Semaphore.make(1),
    pulls: yield* ImagePulls.make(engine, config),
    volumes: yield* volumesOn(volumesDirectory, engine.endpoint.connect.socketPath !== undefined),
    services: yield* Effect.context<Services>()
  }
  // A launcher opens its records meanwhile.
  yield* Effect.forkScoped(Effect.ignore(engine.apiVersion))
  const list = Effect.mapError(
    engine.execute(Containers.list({ labels: [ContainerIdentity.ownership(stateDirectory)] })),
    EngineTrouble.failure
  )
  return {
    name: "docker",
    capabilities: { boot: ["container"], pause: true, liveVolumes: host.volumes === "live", console: true },
    make: (spec) => {
      const what = unsupported(spec, { allowPrivileged: config.allowPrivileged, volumes: host.volumes !== "none" })
      return what !== undefined || spec.boot.kind !== "container"
        ? Effect.fail(fail(new NotSupported({ what: what ?? `booting from ${spec.boot.kind}` })))
        : Effect.succeed(DockerGuest.make(host, spec, spec.boot))
    },
    discover: Stream.fromIterableEffect(
      Effect.map(list, (containers) =>
        containers.flatMap(({ Id, Labels }): ReadonlyArray<FoundGuest> => {
          const id = ContainerIdentity.instanceOf(stateDirectory, Labels)
          return id === undefined ? [] : [{ id, handle: Id }]
        }))
    ),
    begun: host.events.begun,
    destroy: Effect.fn("DockerVirtualizer.destroy")(function*({ id }) {
      yield* DockerContainer.kill(host, DockerContainer.find(host, id))
      if (host.volumes !== "none") {
        yield* Effect.provideContext(DockerVolumes.release(config, id), host.services)
      }
    }),
    discard: (id) => Effect.provideContext(DockerContainer.discard(host, id), host.services)
  }
})

/** Docker as the only virtualizer of a node: `layer({ stateDirectory })`. What is left out of the configuration has its default. */
export const layer = (
  config: Parameters<typeof DockerConfig.make>[0]
): Layer.Layer<Virtualizers, VirtualizerError, EngineClient | Services> =>
  VirtualizerLayer.only("Docker", DockerConfig.makeEffect(config), make)
