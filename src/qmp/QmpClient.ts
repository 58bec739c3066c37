/**
 * A client of the QEMU Machine Protocol: https://www.qemu.org/docs/master/interop/qmp-spec.html
 *
 * A QMP server answers one client at a time, one command after the other. Commands may be sent by many fibers at once;
 * each gets its own answer, by an id that no other command of any client has. An answer nobody waits for any more is
 * dropped.
 */
import { Duration, Effect, Exit, Fiber, Result, Schema, Scope, Stream } from "effect"
import { type Disconnect, Frozen, GreetingMissing, Local, ProcessExited } from "./Disconnect.ts"
import type { QmpCommand } from "./QmpCommand.ts"
import * as QmpCommands from "./QmpCommands.ts"
import { type ConnectFailed, DeadlineExceeded, Disconnected, fail, InvalidReply, type QmpError } from "./QmpError.ts"
import type { QmpEvent } from "./QmpEvent.ts"
import type { Greeting } from "./QmpMessage.ts"
import * as QmpSession from "./QmpSession.ts"
import type { QmpSubscription } from "./QmpSubscription.ts"
import type { QmpConnection, QmpTransport } from "./QmpTransport.ts"

/** A negotiated connection. Its effects may be run by several fibers at once. */
export interface QmpClient {
  /** What the server said of itself. */
  readonly greeting: Greeting

  /** Completes when the negotiation is over. Fails as {@link make} does when it fails. */
  readonly negotiated: Effect.Effect<void, QmpError>

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
  readonly subscribe: Effect.Effect<QmpSubscription, never, Scope.Scope>

  /** The events of a subscription that is made when the stream is run: see {@link QmpClient.subscribe}. */
  readonly events: Stream.Stream<QmpEvent, QmpError>

  /** Completes once, when the connection has ended, with its cause. */
  readonly disconnected: Effect.Effect<Disconnect>
}

/** The limits of a client. */
export interface Options {
  /** How long to go on dialling while nobody listens. Default: one attempt. */
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

/** Nobody listens yet (`ENOENT`, `ECONNREFUSED`), or others wait to be served (`EAGAIN`): dialling again may help. */
const mayListenLater = (error: ConnectFailed): boolean => ["ENOENT", "ECONNREFUSED", "EAGAIN"].includes(error.code)

/** What a process wrote before it ended is read for so long at most. */
const drainMillis = 100

/** How long to wait before dialling again: a server that is there is about to listen; one that is not may yet come. */
const redialMillis = (error: ConnectFailed, isWatched: boolean): number => isWatched && error.code === "ENOENT" ? 20 : 2

/** Dials until somebody listens. */
const patiently = (transport: QmpTransport): Effect.Effect<QmpConnection, ConnectFailed, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (parent) =>
    Effect.scoped(Effect.gen(function*() {
      const changed = transport.watch === undefined ? Effect.never : yield* transport.watch
      while (true) {
        const dialled = yield* Effect.result(Scope.provide(transport.connect, parent))
        if (Result.isSuccess(dialled)) return dialled.success
        if (!mayListenLater(dialled.failure)) return yield* Effect.fail(dialled.failure)
        yield* Effect.raceFirst(changed, Effect.sleep(redialMillis(dialled.failure, transport.watch !== undefined)))
      }
    })))

const dial = (transport: QmpTransport, options: Options): Effect.Effect<QmpConnection, QmpError, Scope.Scope> => {
  const { dialDeadline, processExited } = options
  const dialled = (dialDeadline === undefined ? transport.connect : Effect.catchIf(
    // Mostly somebody listens, and then there is nothing to watch, or to limit.
    transport.connect,
    mayListenLater,
    () =>
      Effect.timeoutOrElse(patiently(transport), {
        duration: dialDeadline,
        // To tell why nobody could be reached.
        orElse: () => transport.connect
      })
  )).pipe(Effect.mapError(fail))
  return processExited === undefined ? dialled : Effect.raceFirst(
    dialled,
    Effect.flatMap(processExited, () => Effect.fail(fail(new Disconnected({ cause: new ProcessExited() }))))
  )
}

/**
 * Waits for the greeting, and begins to negotiate: what is sent from then on is executed after that. The answer waits until
 * the negotiation is over. The deadline is that of both; passing it ends the session.
 */
const negotiate = Effect.fnUntraced(function*(session: QmpSession.QmpSession, deadline: Duration.Duration) {
  const millis = Duration.toMillis(deadline)
  let late: Disconnect = new GreetingMissing({ millis })
  const watchdog = yield* Effect.forkScoped(
    Effect.andThen(Effect.sleep(deadline), Effect.sync(() => session.disconnect(late)))
  )
  const greeting = yield* session.greeted
  late = new Frozen({ millis })
  const negotiation = yield* Effect.forkScoped(
    Effect.ensuring(session.request(QmpCommands.capabilities.name, undefined), Fiber.interrupt(watchdog)),
    { startImmediately: true }
  )
  return { greeting, negotiated: Effect.asVoid(Fiber.join(negotiation)) }
})

const watchProcess = Effect.fnUntraced(function*(
  session: QmpSession.QmpSession,
  reader: Fiber.Fiber<void>,
  processExited: Effect.Effect<void>
) {
  yield* Effect.raceFirst(processExited, session.disconnected)
  session.processExited()
  yield* Effect.raceFirst(Fiber.await(reader), Effect.sleep(drainMillis))
  session.disconnect(new ProcessExited())
})

/** Any answer, also a refusal, is a sign of life. */
const watchPulse = (session: QmpSession.QmpSession, interval: Duration.Duration): Effect.Effect<void> => {
  const half = Duration.times(interval, 0.5)
  const pulse = session.request(QmpCommands.queryName.name, undefined).pipe(
    Effect.ignore,
    // Two sleeps: when it was us who were stopped, what came meanwhile is read between them.
    Effect.raceFirst(
      Effect.sleep(half).pipe(
        Effect.andThen(Effect.sleep(half)),
        Effect.andThen(Effect.sync(() => session.disconnect(new Frozen({ millis: Duration.toMillis(interval) }))))
      )
    )
  )
  return Effect.sleep(interval).pipe(
    Effect.andThen(pulse),
    Effect.forever,
    Effect.raceFirst(session.disconnected),
    Effect.asVoid
  )
}

const connect = Effect.fnUntraced(function*(
  transport: QmpTransport,
  options: Options
): Effect.fn.Return<QmpClient, QmpError, Scope.Scope> {
  const session = yield* QmpSession.make(yield* dial(transport, options), {
    maxLineBytes: options.maxLineBytes ?? 4 * 1024 * 1024,
    maxWaitingEvents: options.maxWaitingEvents ?? 1024
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => session.disconnect(new Local())))
  const reader = yield* Effect.forkScoped(session.run, { startImmediately: true })
  if (options.processExited !== undefined) {
    yield* Effect.forkScoped(watchProcess(session, reader, options.processExited), { startImmediately: true })
  }
  const { greeting, negotiated } = yield* negotiate(
    session,
    Duration.fromInputUnsafe(options.greetingDeadline ?? "5 seconds")
  )
  yield* Effect.forkScoped(watchPulse(session, Duration.fromInputUnsafe(options.heartbeat ?? "10 seconds")))

  const execute = Effect.fnUntraced(function*<Arguments, Returns>(
    command: QmpCommand<Arguments, Returns>,
    args: Arguments,
    limit?: { readonly deadline?: Duration.Input }
  ) {
    // Arguments that do not fit their own Schema are the caller's bug.
    const encoded = yield* Effect.orDie(Schema.encodeEffect(command.arguments)(args))
    const deadline = Duration.fromInputUnsafe(limit?.deadline ?? options.commandDeadline ?? "30 seconds")
    const reply = yield* Effect.timeoutOrElse(session.request(command.name, encoded), {
      duration: deadline,
      orElse: () =>
        Effect.fail(fail(new DeadlineExceeded({ command: command.name, millis: Duration.toMillis(deadline) })))
    })
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(command.returns)(reply),
      (error) => fail(new InvalidReply({ command: command.name, detail: error.message }))
    )
  })

  return {
    greeting,
    negotiated,
    execute,
    subscribe: session.subscriptions.subscribe,
    events: Stream.unwrap(Effect.map(session.subscriptions.subscribe, (subscription) => subscription.events)),
    disconnected: session.disconnected
  }
})

/** Closes what an effect opened when it fails or is interrupted, and leaves the rest to the scope. */
const orClose = <A>(
  open: Effect.Effect<A, QmpError, Scope.Scope>
): Effect.Effect<A, QmpError, Scope.Scope> =>
  Effect.flatMap(
    Effect.scope,
    (parent) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Scope.fork(parent), (scope) =>
          restore(Scope.provide(open, scope)).pipe(
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
          ))
      )
  )

/**
 * Connects and negotiates: `make(QmpTransport.unix(path), { processExited })`. The scope closes the connection, after
 * which QEMU goes on without a client; commands in flight fail with `Disconnected`, cause `Local`.
 *
 * May be interrupted, and then leaves nothing. Fails with `ConnectFailed` when nobody listens; with `Disconnected` when
 * the connection or the process ends before it is negotiated, when the server does not greet in time
 * (`GreetingMissing`: it may serve another client), or greets as something else (`GreetingInvalid`); with
 * `CommandFailed` when it refuses the negotiation.
 */
export const make = Effect.fn("QmpClient.make")((
  transport: QmpTransport,
  options: Options = {}
): Effect.Effect<QmpClient, QmpError, Scope.Scope> =>
  orClose(Effect.tap(connect(transport, options), ({ negotiated }) => negotiated))
)

/**
 * Like {@link make}, but returns when the server has greeted: commands can be sent in one go with the negotiation, which the
 * caller must wait for, see {@link QmpClient.negotiated}. Whoever has many servers to talk to saves each of them, and
 * itself, a turn.
 */
export const open = Effect.fn("QmpClient.open")((
  transport: QmpTransport,
  options: Options = {}
): Effect.Effect<QmpClient, QmpError, Scope.Scope> => orClose(connect(transport, options)))
