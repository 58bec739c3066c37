/**
 * A relay on the control channel of a real guest, which can hold any line of it, and can cut it. The guest and what is
 * tested see a slow, or a broken, connection.
 */
import { type Cause, Effect, FiberSet, Predicate, Queue, Schedule, Stream } from "effect"
import * as Net from "node:net"
import * as Gate from "./Gate.ts"

/** A command on its way to the guest, or its answer on the way back. The greeting only comes back. */
export type Way = "before" | "after"

interface Point {
  readonly way: Way
  readonly what: string
  readonly gate: Gate.FiberGate
}

/** The relay of one guest. */
export class QmpRelay {
  readonly #points: Array<Point> = []
  readonly #watches: Array<Point> = []
  readonly #connections = new Set<Net.Socket>()
  #server: Net.Server | undefined = undefined
  readonly #path: string
  readonly #upstream: string
  readonly #run: (effect: Effect.Effect<void>) => unknown

  /** Between `path`, where it listens, and `upstream`, where QEMU does. `run` runs what a connection takes. */
  constructor(path: string, upstream: string, run: (effect: Effect.Effect<void>) => unknown) {
    this.#path = path
    this.#upstream = upstream
    this.#run = run
  }

  /** Holds a command before QEMU gets it, or its answer (or `greeting`), with all that comes behind it. */
  hold(way: Way, what: string): Gate.Gate {
    const gate = Gate.make(`${way} ${what}`)
    this.#points.push({ way, what, gate })
    return gate
  }

  /** Waits until the next such message has been passed on, counted from now. */
  passed(way: Way, what: string): Effect.Effect<void> {
    const gate = Gate.make(`passing ${way} ${what}`)
    this.#watches.push({ way, what, gate })
    return gate.reached
  }

  /** Cuts the control channel: what is connected is closed, and nobody listens. */
  readonly sever: Effect.Effect<void> = Effect.callback((resume) => {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#connections) socket.destroy()
    if (server === undefined) resume(Effect.void)
    else server.close(() => resume(Effect.void))
  })

  /** Listens, also again. */
  readonly listen: Effect.Effect<void> = Effect.callback((resume) => {
    const server = Net.createServer((socket) => {
      this.#connections.add(socket)
      // How it ends is seen by who reads it.
      socket.on("error", () => undefined)
      this.#run(Effect.ensuring(
        this.#relay(socket),
        Effect.sync(() => {
          socket.destroy()
          this.#connections.delete(socket)
        })
      ))
    })
    this.#server = server
    server.listen(this.#path, () => resume(Effect.void))
  })

  /** Waits where something is held, and then tells those who wait for it to be passed on. */
  #pass(way: Way, what: string | undefined): Effect.Effect<() => void> {
    const here = (points: ReadonlyArray<Point>) => points.filter((point) => point.way === way && point.what === what)
    return Effect.as(Effect.forEach(here(this.#points), ({ gate }) => gate.pass, { discard: true }), () => {
      for (const { gate } of here(this.#watches)) gate.arrive()
    })
  }

  #relay(client: Net.Socket): Effect.Effect<void> {
    /** The commands that wait for their answers, by the id that both have. */
    const commands = new Map<unknown, string>()
    return Effect.scoped(Effect.gen({ self: this }, function*() {
      const server = yield* Effect.acquireRelease(
        Effect.raceFirst(this.#dial, Effect.andThen(closed(client), Effect.interrupt)),
        (socket) => Effect.sync(() => socket.destroy()),
        { interruptible: true }
      )
      yield* Effect.raceFirst(
        pump(client, server, (message) => {
          const { execute, id } = parse(message)
          const name = Predicate.isString(execute) ? execute : undefined
          if (name !== undefined) commands.set(id, name)
          return this.#pass("before", name)
        }),
        pump(server, client, (message) => {
          const { QMP: greeting, event, id } = parse(message)
          if (greeting !== undefined) return this.#pass("after", "greeting")
          const name = event === undefined ? commands.get(id) : undefined
          commands.delete(id)
          return this.#pass("after", name)
        })
      )
    }))
  }

  /** QEMU listens a moment after it has begun. */
  get #dial(): Effect.Effect<Net.Socket> {
    return Effect.callback<Net.Socket, Error>((resume) => {
      const socket = Net.connect({ path: this.#upstream })
      socket.once("connect", () => resume(Effect.succeed(socket)))
      socket.on("error", (error) => resume(Effect.fail(error)))
      return Effect.sync(() => socket.destroy())
    }).pipe(Effect.retry(Schedule.spaced("3 millis")), Effect.orDie)
  }
}

/** Waits until a connection is closed that nobody reads yet. */
const closed = (socket: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.void)
    socket.once("close", done)
    return Effect.sync(() => socket.off("close", done))
  })

const parse = (text: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(text)
  return Predicate.isObject(value) ? { ...value } : {}
}

/** Cuts what comes in pieces into whole JSON objects: only QEMU ends each with a new line. */
const documents = () => {
  let [rest, depth, isText, isEscaped] = ["", 0, false, false]
  return (piece: string): ReadonlyArray<string> => {
    const whole: Array<string> = []
    for (const character of piece) {
      if (depth === 0 && character !== "{") continue
      rest += character
      if (isText) {
        isText = isEscaped || character !== "\""
        isEscaped = !isEscaped && character === "\\"
      } else if (character === "\"") isText = true
      else if (character === "{") depth++
      else if (character === "}" && --depth === 0) {
        whole.push(rest)
        rest = ""
      }
    }
    return whole
  }
}

/** Passes messages on, each when `pass` has let it, which then is told. Ends with what it reads from, without those that are held then. */
const pump = (
  from: Net.Socket,
  to: Net.Socket,
  pass: (message: string) => Effect.Effect<() => void>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const split = documents()
    const messages = yield* Queue.unbounded<string, Cause.Done>()
    let isHeld = false
    const read = Stream.fromAsyncIterable<Buffer, unknown>(from, (cause) => cause).pipe(
      Stream.decodeText,
      Stream.runForEach((text) => Queue.offerAll(messages, split(text))),
      Effect.ignore,
      Effect.andThen(Queue.end(messages)),
      Effect.andThen(
        Effect.repeat(Effect.sync(() => isHeld), { until: (held) => held, schedule: Schedule.spaced("1 millis") })
      ),
      Effect.asVoid
    )
    const write = Stream.fromQueue(messages).pipe(
      Stream.runForEach((message) =>
        Effect.suspend(() => {
          isHeld = true
          return pass(message)
        }).pipe(
          Effect.map((told) => {
            isHeld = false
            to.write(`${message}\n`)
            told()
          })
        )
      )
    )
    yield* Effect.raceFirst(read, write)
  })

/** A relay that listens, as long as the scope is open. */
export const make = Effect.fn("QmpRelay.make")(function*(path: string, upstream: string) {
  const run = yield* FiberSet.makeRuntime()
  const relay = new QmpRelay(path, upstream, run)
  yield* Effect.acquireRelease(relay.listen, () => relay.sever)
  return relay
})
