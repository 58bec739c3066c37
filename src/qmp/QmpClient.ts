/**
 * A client of the QEMU Machine Protocol: https://www.qemu.org/docs/master/interop/qmp-spec.html
 *
 * A QMP server answers one client at a time, one command after the other. Commands may be sent by many fibers at once;
 * each gets its own answer, by an id that no other command of any client has. An answer nobody waits for any more is
 * dropped.
 */
import type { Duration, Effect, Scope, Stream } from "effect"
import type { Disconnect } from "./Disconnect.ts"
import type { QmpCommand } from "./QmpCommand.ts"
import type { QmpError } from "./QmpError.ts"
import type { QmpEvent } from "./QmpEvent.ts"
import type { Greeting } from "./QmpMessage.ts"
import type { QmpTransport } from "./QmpTransport.ts"

/** A negotiated connection. Its effects may be run by several fibers at once. */
export interface QmpClient {
  /** What the server said of itself. */
  readonly greeting: Greeting

  /**
   * Executes a command and answers its reply.
   *
   * May be interrupted at any point. What has been sent is executed all the same, and its reply is dropped.
   *
   * Fails with `CommandFailed` when QEMU refuses, `InvalidReply` when the reply does not fit, `DeadlineExceeded` when
   * there is none within `deadline` (default: the client's `commandDeadline`), `Disconnected` when the connection ended
   * before the reply. After the last two it is not known whether QEMU executed it.
   */
  readonly execute: <Arguments, Returns>(
    command: QmpCommand<Arguments, Returns>,
    args: Arguments,
    options?: { readonly deadline?: Duration.Input }
  ) => Effect.Effect<Returns, QmpError>

  /**
   * Subscribes to the events from this moment on; a subscription that exists before a command is sent sees what the
   * command brings about. The first subscription also gets what came since the connection was made, so that nothing is
   * lost between connecting and subscribing. The scope ends the subscription.
   */
  readonly subscribe: Effect.Effect<Subscription, never, Scope.Scope>

  /** The events of a subscription that is made when the stream is run: see {@link QmpClient.subscribe}. */
  readonly events: Stream.Stream<QmpEvent, QmpError>

  /** Completes once, when the connection has ended, with its cause. */
  readonly disconnected: Effect.Effect<Disconnect>
}

/** A subscription to events. It has one reader at a time. */
export interface Subscription {
  /**
   * The events, in QEMU's order. Ends when the connection does: {@link QmpClient.disconnected} has the cause. Fails with
   * `EventsLost` when the reader falls behind by more than `maxWaitingEvents`, after what waited.
   */
  readonly events: Stream.Stream<QmpEvent, QmpError>

  /**
   * Takes events up to the first that passes, and answers it. May be interrupted. Fails with `EventsLost`, and with
   * `Disconnected` when the connection ends first. Has no deadline of its own.
   */
  readonly first: {
    <A extends QmpEvent>(refinement: (event: QmpEvent) => event is A): Effect.Effect<A, QmpError>
    (predicate: (event: QmpEvent) => boolean): Effect.Effect<QmpEvent, QmpError>
  }
}

/** The limits of a client. */
export interface Options {
  /** How long to go on dialling, every 2 ms, while nobody listens. Default: one attempt. */
  readonly dialDeadline?: Duration.Input
  /** How long greeting and negotiation may take once connected. Default 5 s. */
  readonly greetingDeadline?: Duration.Input
  /** How long a command may take that does not say. Default 30 s. */
  readonly commandDeadline?: Duration.Input
  /**
   * How often the server is asked for a sign of life, and how long it has to give it. QEMU answers commands in turn, so
   * this must be longer than the slowest of them. A frozen server is found after twice this time at most. Default 10 s.
   */
  readonly heartbeat?: Duration.Input
  /** The longest line the server may send. Default 4 MiB. */
  readonly maxLineBytes?: number
  /** How many events may wait for a subscriber. Default 1024. */
  readonly maxWaitingEvents?: number
  /** Completes when the server's process has ended: every wait then ends with `Disconnected`. Must be interruptible. */
  readonly processExited?: Effect.Effect<void>
}

/**
 * Connects and negotiates: `make(QmpTransport.unix(path), { processExited })`. The scope closes the connection, after
 * which QEMU goes on without a client; commands in flight fail with `Disconnected`, cause `Local`.
 *
 * May be interrupted, and then leaves nothing. Fails with `ConnectFailed` when nobody listens; with `Disconnected` when
 * the connection or the process ends before it is negotiated, when the server does not greet in time
 * (`GreetingMissing`: it may serve another client), or greets as something else (`GreetingInvalid`); with
 * `CommandFailed` when it refuses the negotiation.
 */
export declare const make: (
  transport: QmpTransport,
  options?: Options
) => Effect.Effect<QmpClient, QmpError, Scope.Scope>
