/**
 * The API on the daemon's listeners.
 */
import { Duration, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import * as AccessControl from "../api/AccessControl.ts"
import * as Server from "../api/Server.ts"
import { ConfigError } from "./ConfigSources.ts"
import type { Options, ServeHttp } from "./Daemon.ts"
import * as Listeners from "./Listeners.ts"
import * as Tokens from "./Tokens.ts"

/** The API on one listener. */
const serve = <HttpServices>(
  { config }: Options<HttpServices>,
  httpServer: ServeHttp<HttpServices>,
  { make, options, where }: Listeners.Unbound,
  access: ReturnType<typeof AccessControl.layerTrusted>
) =>
  // Fresh, since what was built for one listener lets in whom that one trusts.
  HttpRouter.serve(Layer.fresh(Layer.provide(Server.routes, access)), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provide(httpServer(make, {
      ...options,
      // A little more than the commands in progress have, so that they are answered.
      gracefulShutdownTimeout: Duration.sum(config.shutdownDeadline, Duration.seconds(1))
    })),
    Layer.catchTag("ServeError", (error) => Layer.effectDiscard(Effect.fail(Listeners.unheard(where)(error))))
  )

/** Listens: the guests are known by now. */
export const listen = <HttpServices>(given: Options<HttpServices>) =>
  Layer.unwrap(Effect.gen(function*() {
    const { config, reloaded, socket } = given
    const tokens = yield* Tokens.Tokens
    const httpServer = yield* given.httpServer
    yield* Listeners.clear(socket)
    const unix = serve(given, httpServer, Listeners.unix(config, socket), AccessControl.layerTrusted("unix socket"))
    const own = Layer.effectDiscard(Listeners.protect(socket, config.socket)).pipe(Layer.provideMerge(unix))
    if (config.tcp === undefined) return own
    const lacks = Listeners.lacks(config.tcp, yield* tokens.count)
    if (lacks !== undefined) return yield* new ConfigError({ message: lacks })
    const listener = yield* Listeners.tcp(config, config.tcp)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      reloaded,
      listener.reload.pipe(Effect.catch((error) => Effect.logError(`not read again: ${error.message}`)))
    )))
    return Layer.mergeAll(own, serve(given, httpServer, listener, AccessControl.layer(tokens.find)))
  }))
