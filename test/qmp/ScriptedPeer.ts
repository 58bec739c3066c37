/**
 * A QMP server that does what its test says, in memory and without a clock of its own.
 */
import { Deferred, Effect, Fiber, Queue, Schema, type Scope } from "effect"
import { Broken } from "../../src/qmp/Disconnect.ts"
import * as QmpClient from "../../src/qmp/QmpClient.ts"
import type { QmpError } from "../../src/qmp/QmpError.ts"
import type { QmpTransport } from "../../src/qmp/QmpTransport.ts"

const Command = Schema.Struct({
  execute: Schema.String,
  arguments: Schema.optionalKey(Schema.JsonObject),
  id: Schema.String
})

/** A command as it came. */
export type Command = typeof Command.Type

const decodeCommand = Schema.decodeUnknownSync(Schema.fromJsonString(Command))

export interface ScriptedPeer {
  readonly transport: QmpTransport
  /** Sends bytes as one chunk. */
  readonly write: (bytes: Uint8Array) => void
  /** Sends texts, as one chunk, as they are. */
  readonly say: (...texts: ReadonlyArray<string>) => void
  /** Sends QEMU's greeting. */
  readonly greet: () => void
  /** Closes its side. */
  readonly end: () => void
  /** Breaks the connection. */
  readonly break: (detail: string) => void
  /** The next command that was not read yet. */
  readonly next: Effect.Effect<Command>
  /** How many commands wait to be read. */
  readonly waiting: () => number
  /** Completes when the client has closed the connection. */
  readonly closed: Effect.Effect<void>
  readonly isClosed: () => boolean
}

/** One line of a message. */
export const line = (message: Schema.Json): string => `${JSON.stringify(message)}\r\n`

/** QEMU's greeting. */
export const greeting = line({
  QMP: {
    version: { qemu: { micro: 22, minor: 2, major: 7 }, package: "a scripted peer" },
    capabilities: ["oob"]
  }
})

/** The line that answers a command. */
export const success = (command: Command, value: Schema.Json = {}): string => line({ return: value, id: command.id })

/** The line that refuses a command. */
export const refusal = (command: Command, errorClass: string, desc: string): string =>
  line({ error: { class: errorClass, desc }, id: command.id })

/** The line of an event. */
export const event = (name: string, data: Schema.JsonObject = {}): string =>
  line({ event: name, data, timestamp: { seconds: 1, microseconds: 500 } })

export const make = Effect.gen(function*(): Effect.fn.Return<ScriptedPeer> {
  type Chunk = Effect.Effect<Uint8Array | undefined, Broken>
  const chunks: Array<Chunk> = []
  const commands = yield* Queue.unbounded<Command>()
  const closed = yield* Deferred.make<void>()
  const encoder = new TextEncoder()
  let reader: ((chunk: Chunk) => void) | undefined
  let isClosed = false

  const deliver = (chunk: Chunk): void => {
    if (reader === undefined) chunks.push(chunk)
    else reader(chunk)
  }
  const write = (bytes: Uint8Array): void => deliver(Effect.succeed(bytes))
  const say = (...texts: ReadonlyArray<string>): void => write(encoder.encode(texts.join("")))
  const close = (): void => {
    isClosed = true
    Deferred.doneUnsafe(closed, Effect.void)
  }

  return {
    transport: {
      address: "scripted",
      connect: Effect.as(Effect.addFinalizer(() => Effect.sync(close)), {
        read: Effect.callback((resume) => {
          const chunk = chunks.shift()
          if (chunk !== undefined) return resume(chunk)
          reader = (chunk) => {
            reader = undefined
            resume(chunk)
          }
          return Effect.sync(() => {
            reader = undefined
          })
        }),
        send: (text) => {
          Queue.offerUnsafe(commands, decodeCommand(text))
        },
        close
      })
    },
    write,
    say,
    greet: () => say(greeting),
    end: () => deliver(Effect.undefined),
    break: (detail) => deliver(Effect.fail(new Broken({ detail }))),
    next: Queue.take(commands),
    waiting: () => Queue.sizeUnsafe(commands),
    closed: Deferred.await(closed),
    isClosed: () => isClosed
  }
})

/** A peer, and a client that has negotiated with it. */
export const negotiated = Effect.fnUntraced(function*(
  options?: QmpClient.Options
): Effect.fn.Return<readonly [ScriptedPeer, QmpClient.QmpClient], QmpError, Scope.Scope> {
  const peer = yield* make
  const making = yield* Effect.forkScoped(QmpClient.make(peer.transport, options), { startImmediately: true })
  peer.greet()
  peer.say(success(yield* peer.next))
  return [peer, yield* Fiber.join(making)]
})
