/**
 * A way to an engine on which calls can be held: before the engine gets them, or when it has answered and nobody was told.
 */
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import * as Gate from "../Gate.ts"

/** Before a call reaches the engine, or before its answer is told. */
export type Side = "before" | "after"

export interface EngineRelay {
  /** Where it listens. */
  readonly socket: string
  /** Holds every call of which the method and the path match. */
  readonly hold: (side: Side, call: RegExp) => Gate.Gate
  /** Breaks every connection, and takes no more. */
  readonly sever: Effect.Effect<void>
  readonly restore: Effect.Effect<void>
  /** Breaks every connection of a call that matches, once. */
  readonly cut: (call: RegExp) => Effect.Effect<void>
  /** How many connections there are for calls that match, and that the client has not closed. */
  readonly open: (call: RegExp) => number
}

interface Point {
  readonly side: Side
  readonly call: RegExp
  readonly gate: Gate.FiberGate
}

interface Connection {
  /** The call that it is for, or was for last. */
  call: string
  readonly client: Net.Socket
  readonly engine: Net.Socket
}

const callOf = (chunk: Buffer): string | undefined => {
  const [, method, path] = /^(GET|POST|DELETE|HEAD) (\S+) HTTP\/1\.1\r\n/.exec(chunk.toString("latin1", 0, 4096)) ?? []
  return method === undefined ? undefined : `${method} ${decodeURIComponent(path)}`
}

/** A relay to the engine that listens at `engineSocket`, as long as the scope is open. */
export const make = Effect.fn("EngineRelay.make")(function*(
  engineSocket: string,
  socket: string
): Effect.fn.Return<EngineRelay, never, Scope.Scope> {
  const points: Array<Point> = []
  const connections = new Set<Connection>()

  const run = Effect.runPromiseWith(yield* Effect.context())
  const pass = (side: Side, call: string): Promise<unknown> =>
    run(
      Effect.forEach(points.filter((point) => point.side === side && point.call.test(call)), ({ gate }) => gate.pass)
    )

  /** Writes what comes when its turn has come, and nobody holds it. */
  const write = async (
    turn: Promise<unknown>,
    held: Promise<unknown>,
    to: Net.Socket,
    chunk: Buffer
  ): Promise<void> => {
    await turn
    await held
    if (to.writable) to.write(chunk)
  }

  const relay = (client: Net.Socket): void => {
    const engine = Net.connect({ path: engineSocket })
    const connection: Connection = { call: "", client, engine }
    connections.add(connection)
    const end = (): void => {
      connections.delete(connection)
      client.destroy()
      engine.destroy()
    }
    for (const side of [client, engine]) side.on("error", end).on("close", end)
    let sent: Promise<unknown> = Promise.resolve()
    let told: Promise<unknown> = Promise.resolve()
    client.on("data", (chunk) => {
      const call = callOf(chunk)
      if (call !== undefined) connection.call = call
      sent = write(sent, call === undefined ? Promise.resolve() : pass("before", call), engine, chunk)
    })
    client.on("end", () => sent = sent.then(() => engine.end()))
    engine.on("data", (chunk) => {
      told = write(told, pass("after", connection.call), client, chunk)
    })
    engine.on("end", () => told = told.then(() => client.end()))
  }

  let server: Net.Server | undefined
  const restore = Effect.callback<void>((resume) => {
    server = Net.createServer({ allowHalfOpen: true }, relay).listen({ path: socket }, () => resume(Effect.void))
  })
  const sever = Effect.callback<void>((resume) => {
    const closing = server
    server = undefined
    if (closing === undefined) return resume(Effect.void)
    closing.close(() => resume(Effect.void))
    for (const { client } of connections) client.destroy()
  })
  yield* Effect.acquireRelease(restore, () => sever)
  return {
    socket,
    hold: (side, call) => {
      const gate = Gate.make(`${side} ${call}`)
      points.push({ side, call, gate })
      return gate
    },
    sever,
    restore,
    cut: (call) =>
      Effect.sync(() => {
        for (const connection of connections) if (call.test(connection.call)) connection.client.destroy()
      }),
    open: (call) => [...connections].filter((one) => call.test(one.call) && !one.client.readableEnded).length
  }
})
