/**
 * One QMP connection from greeting to disconnect: which message belongs to whom.
 */
import { Deferred, Effect, Option, Random } from "effect"
import { Broken, Closed, type Disconnect, GreetingInvalid, Malformed, ProcessExited } from "./Disconnect.ts"
import { CommandFailed, Disconnected, fail, type QmpError } from "./QmpError.ts"
import * as QmpEvent from "./QmpEvent.ts"
import * as QmpLines from "./QmpLines.ts"
import * as QmpMessage from "./QmpMessage.ts"
import * as QmpSubscription from "./QmpSubscription.ts"
import type { QmpConnection } from "./QmpTransport.ts"

/** A connection, and all who wait for something of it. */
export interface QmpSession {
  /** Completes with the server's greeting, which is its first message. Fails with `Disconnected`. */
  readonly greeted: Effect.Effect<QmpMessage.Greeting, QmpError>
  /** Sends a command and waits for its reply. Interruption drops the reply. Fails with `CommandFailed` or `Disconnected`. */
  readonly request: (command: string, args: unknown) => Effect.Effect<unknown, QmpError>
  /** Who listens to events. */
  readonly subscriptions: QmpSubscription.QmpSubscriptions
  /** Reads until the connection ends. */
  readonly run: Effect.Effect<void>
  /** From now on an end of the connection is the end of the process. */
  readonly processExited: () => void
  /** Ends the connection, and with it every wait. The first cause counts. */
  readonly disconnect: (cause: Disconnect) => void
  /** Completes with the cause when the connection has ended. */
  readonly disconnected: Effect.Effect<Disconnect>
}

interface Pending {
  readonly command: string
  readonly resume: (reply: Effect.Effect<unknown, QmpError>) => void
}

const excerpt = (line: string): string => line.length > 100 ? `${line.slice(0, 100)} …` : line

/** Starts a session on a fresh connection. Nothing is read until {@link QmpSession.run}. */
export const make = Effect.fnUntraced(function*(connection: QmpConnection, limits: {
  readonly maxLineBytes: number
  readonly maxWaitingEvents: number
}): Effect.fn.Return<QmpSession> {
  const greeting = yield* Deferred.make<QmpMessage.Greeting, QmpError>()
  const disconnected = yield* Deferred.make<Disconnect>()
  const subscriptions = yield* QmpSubscription.make(limits.maxWaitingEvents, Deferred.await(disconnected))
  // QEMU may still answer a former client's command, to us: ids must differ between clients.
  const prefix = (yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)
  const pending = new Map<unknown, Pending>()
  const lines = QmpLines.make(limits.maxLineBytes)
  let requests = 0
  let greeted = false
  let exited = false
  let ended: Disconnect | undefined

  const disconnect = (cause: Disconnect): void => {
    if (ended !== undefined) return
    const known = exited && (cause._tag === "Closed" || cause._tag === "Broken") ? new ProcessExited() : cause
    ended = known
    connection.close()
    // Mostly nobody waits: the error is made for those who do.
    const failure = Effect.suspend(() => Effect.fail(fail(new Disconnected({ cause: known }))))
    subscriptions.end()
    Deferred.doneUnsafe(greeting, failure)
    for (const { resume } of pending.values()) resume(failure)
    pending.clear()
    Deferred.doneUnsafe(disconnected, Effect.succeed(known))
  }

  // A reply that nobody waits for is dropped: its command was interrupted, or is a former client's.
  const settle = (reply: QmpMessage.Reply): void => {
    const waiting = pending.get(reply.id)
    if (waiting === undefined) return
    pending.delete(reply.id)
    waiting.resume(
      "return" in reply ?
        Effect.succeed(reply.return) :
        Effect.fail(fail(
          new CommandFailed({ command: waiting.command, class: reply.error.class, description: reply.error.desc })
        ))
    )
  }

  const greet = (line: string): Disconnect | undefined => {
    const message = Option.getOrUndefined(QmpMessage.decode(line))
    if (message === undefined || !("QMP" in message)) return new GreetingInvalid({ detail: excerpt(line) })
    greeted = true
    Deferred.doneUnsafe(greeting, Effect.succeed(message))
    return ended
  }

  const receive = (line: string): Disconnect | undefined => {
    if (!greeted) return greet(line)
    const message = Option.getOrUndefined(QmpMessage.decode(line))
    if (message === undefined || "QMP" in message) return new Malformed({ detail: excerpt(line) })
    if ("event" in message) subscriptions.publish(QmpEvent.fromMessage(message))
    else settle(message)
    // Whoever was resumed may have ended the connection.
    return ended
  }

  const run = Effect.gen(function*() {
    while (ended === undefined) {
      const bytes = yield* connection.read
      if (bytes === undefined) {
        return disconnect(lines.isPartial() ? new Broken({ detail: "closed within a message" }) : new Closed())
      }
      const cause = lines.push(bytes, receive)
      if (cause === undefined) continue
      return disconnect(
        cause._tag === "Malformed" && !greeted ? new GreetingInvalid({ detail: cause.detail }) : cause
      )
    }
  }).pipe(Effect.catchTag("Broken", (cause) => Effect.sync(() => disconnect(cause))))

  const request = (command: string, args: unknown): Effect.Effect<unknown, QmpError> =>
    Effect.callback((resume) => {
      if (ended !== undefined) return resume(Effect.fail(fail(new Disconnected({ cause: ended }))))
      const id = `${prefix}-${++requests}`
      const text = JSON.stringify({ execute: command, arguments: args, id })
      pending.set(id, { command, resume })
      // No newline: QEMU would leave that of a `quit` unread, and so reset the connection instead of closing it.
      connection.send(text)
      return Effect.sync(() => pending.delete(id))
    })

  return {
    greeted: Deferred.await(greeting),
    request,
    subscriptions,
    run,
    processExited: () => {
      exited = true
    },
    disconnect,
    disconnected: Deferred.await(disconnected)
  }
})
