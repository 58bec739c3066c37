/**
 * The wire to a daemon.
 */
import { Context, type Effect, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { Socket } from "effect/socket"
import type { Endpoint } from "./Endpoint.ts"

/** What to reach a daemon takes of its endpoint. */
export type Wire = Pick<Endpoint, "socketPath" | "tls">

/** A daemon opened no WebSocket, and said why. */
export class Refused extends Error {
  /** What it answered with. */
  readonly body: string

  constructor(body: string) {
    super("the daemon refused it")
    this.body = body
  }
}

export class Transport extends Context.Service<Transport, {
  /** Requests to a daemon, over connections that live as long as the scope. */
  readonly http: (wire: Wire) => Effect.Effect<HttpClient.HttpClient, never, Scope.Scope>
  /** What opens WebSockets to a daemon: by a URL whose path is behind the host, also for unix sockets. */
  readonly webSockets: (wire: Wire) => Effect.Effect<Socket.WebSocketConstructor["Service"]>
}>()("vivarium/Transport") {}
