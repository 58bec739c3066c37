/**
 * What carries QMP: a connection of bytes. Over a unix socket in earnest, in memory where the peer is scripted.
 */
import type { Effect, Scope } from "effect"
import type { Broken } from "./Disconnect.ts"
import type { ConnectFailed } from "./QmpError.ts"

/** A way to a QMP server. */
export interface QmpTransport {
  /** Where it leads, for people. */
  readonly address: string
  /** Connects once. May be interrupted, and then leaves nothing. The scope closes the connection. */
  readonly connect: Effect.Effect<QmpConnection, ConnectFailed, Scope.Scope>
}

/** A connection. It has one reader. */
export interface QmpConnection {
  /**
   * The next bytes, or `undefined` when the peer closed its side. Nothing is read from the peer beyond a small buffer
   * until this is asked for. May be interrupted; then nothing is lost.
   */
  readonly read: Effect.Effect<Uint8Array | undefined, Broken>
  /** Sends. Does not wait, and does not fail: a connection that can not send breaks, and `read` says so. */
  readonly send: (text: string) => void
  /** Closes both sides at once. Doing so again is no failure. A `read` that waits may wait for ever. */
  readonly close: () => void
}

/** A unix socket, by path. The path is at most 107 bytes long: beyond that `connect` fails. */
export declare const unix: (path: string) => QmpTransport
