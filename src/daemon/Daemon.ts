/**
 * The daemon: a launcher on a state directory, and the API on its listeners.
 */
import type * as Http from "node:http"
import type { ListenOptions } from "node:net"
import { Duration, Effect, type FileSystem, Layer, type Path, type Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpServer, HttpServerError } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import * as AutoRemove from "../api/AutoRemove.ts"
import * as Operations from "../api/Operations.ts"
import * as Shutdown from "../api/Shutdown.ts"
import * as Streams from "../api/Streams.ts"
import { QemuConfig } from "../backend/qemu/QemuConfig.ts"
import * as InstanceStoreFile from "../launcher/InstanceStoreFile.ts"
import * as Launcher from "../launcher/Launcher.ts"
import { LauncherConfig } from "../launcher/LauncherConfig.ts"
import * as LauncherDirectory from "../launcher/LauncherDirectory.ts"
import { NodeResources } from "../launcher/NodeResources.ts"
import * as NodeResourcesLinux from "../launcher/NodeResourcesLinux.ts"
import * as VolumeResolverDirectory from "../launcher/VolumeResolverDirectory.ts"
import type { Virtualizers } from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import * as Checks from "./Checks.ts"
import { type DaemonConfig, virtualizersOf } from "./DaemonConfig.ts"
import * as Systemd from "./Systemd.ts"
import * as Tokens from "./Tokens.ts"

/** What the platform gives a daemon. */
type Services =
  | ChildProcessSpawner.ChildProcessSpawner
  | FileSystem.FileSystem
  | Path.Path
  | SecureRandom.SecureRandom

/** How a server of Node's listens, and how long it waits for requests in progress when it is to end. */
export type HttpOptions = ListenOptions & { readonly gracefulShutdownTimeout: Duration.Duration }

/** Serves HTTP by a server of Node's. */
export type ServeHttp<HttpServices> = (
  make: () => Http.Server,
  options: HttpOptions
) => Layer.Layer<HttpServer.HttpServer | HttpServices, HttpServerError.ServeError>

/** How a daemon is on this machine, and what only `main` chooses. */
export interface Options<HttpServices> {
  readonly config: DaemonConfig
  readonly stateDirectory: string
  readonly socket: string
  /** The virtualizers of the node. */
  readonly virtualizers: Layer.Layer<Virtualizers, VirtualizerError, Services>
  /** The Docker Engine that it is led to, whether or not containers are run. */
  readonly engine: Checks.Engine
  /** What serves HTTP by a server of Node's. */
  readonly httpServer: Effect.Effect<ServeHttp<HttpServices>>
  /** Completes each time the configuration is to be read again. */
  readonly reloaded: Effect.Effect<void, never, Scope.Scope>
}

/** QEMU's configuration of a daemon. */
export const qemuConfig = ({ qemu }: DaemonConfig, stateDirectory: string): QemuConfig =>
  QemuConfig.make({ ...qemu, stateDirectory })

/** What is looked at when it is asked what the node lacks. */
export const needs = (config: DaemonConfig, stateDirectory: string, engine: Checks.Engine): Checks.Needs => ({
  qemu: qemuConfig(config, stateDirectory),
  virtualizers: virtualizersOf(config),
  engine
})

/** After how long without a word a follower of events hears that it is quiet. */
const quietAfter = Duration.seconds(15)

/** Guests that are simulated need nothing of the machine. */
const simulatedResources = (stateDirectory: string) =>
  Layer.effect(
    NodeResources,
    Effect.map(NodeResourcesLinux.make(stateDirectory), ({ sample }) =>
      NodeResources.of({ sample: Effect.map(sample, (real) => ({ ...real, descriptorsMax: 1_000_000 })) }))
  )

const launcher = <HttpServices>({ config, stateDirectory }: Options<HttpServices>) => {
  const settings = LauncherConfig.make(config.launcher)
  return config.simulate
    ? Launcher.layer(settings).pipe(Layer.provide([
      InstanceStoreFile.layer(stateDirectory),
      simulatedResources(stateDirectory),
      VolumeResolverDirectory.layer(`${stateDirectory}/volumes`)
    ]))
    : LauncherDirectory.layer(stateDirectory, settings)
}

/** What the API stands on. The launcher comes after the operations, so that its end answers who waits still. */
const node = <HttpServices>(options: Options<HttpServices>) => {
  const { config, engine, stateDirectory } = options
  return AutoRemove.layer.pipe(
    Layer.provideMerge(launcher(options)),
    Layer.provideMerge(options.virtualizers),
    Layer.provideMerge(Checks.layer(needs(config, stateDirectory, engine))),
    Layer.provideMerge(Streams.layer({ ...config.limits, quietAfter })),
    Layer.provideMerge(Operations.layer),
    Layer.provideMerge(Shutdown.layer(config.shutdownDeadline))
  )
}

/** What the API is served by: loaded once. */
const serving = Effect.promise(() => import("./Serving.ts"))

/** Tokens are read again when that is asked for. */
const reloadTokens = <HttpServices>({ reloaded }: Options<HttpServices>) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const tokens = yield* Tokens.Tokens
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      reloaded,
      Effect.matchEffect(tokens.reload, {
        onFailure: (error) => Effect.logError(`the tokens stay as they were: ${error.message}`),
        onSuccess: () => Effect.logInfo("tokens and certificates were read again")
      })
    )))
  }))

/** Says that it takes commands; and, when it ends, that it goes. */
const announce = <HttpServices>({ socket, stateDirectory }: Options<HttpServices>) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const shutdown = yield* Shutdown.Shutdown
    yield* Effect.addFinalizer(() => Effect.andThen(shutdown.begin, Systemd.stopping))
    yield* Systemd.ready
    yield* Systemd.watchdog
    yield* Effect.logInfo("ready").pipe(Effect.annotateLogs({ socket, stateDirectory }))
  }))

/**
 * A daemon, from the recovery of its instances until its scope closes: then it stops accepting, waits for commands in progress until
 * the deadline of its configuration, and detaches. Guests run on.
 */
export const layer = <HttpServices>(options: Options<HttpServices>) =>
  announce(options).pipe(
    Layer.provide(reloadTokens(options)),
    Layer.provide(Layer.unwrap(Effect.map(serving, ({ listen }) => listen(options)))),
    Layer.provide(Tokens.layer(options.config.tokens)),
    // What the API is served by is loaded while the launcher waits for its guests to answer.
    Layer.provide([node(options), Layer.effectDiscard(Effect.all([serving, options.httpServer], { concurrency: 2 }))])
  )
