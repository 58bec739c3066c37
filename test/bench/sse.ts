/**
 * Followers of events, in numbers: of a daemon, or of a bare server that tells each of them as much as it can.
 */
import * as Http from "node:http"
import { Clock, Effect, type Scope } from "effect"

/** What followers were told. */
interface Told {
  /** Events to all of them together. */
  readonly perSecond: number
  /** How many were told that they lagged. */
  readonly lagged: number
}

/** As long as one event of a daemon. */
const event = `id: 1:1\nevent: Event\ndata: ${"x".repeat(180)}\n\n`
const eventsOfBare = 200

/** A server that tells every follower the same events, and waits for none but those whose buffers are full. */
const bare = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly tell: () => void; readonly close: () => void }>((resume) => {
    const responses: Array<Http.ServerResponse> = []
    const server = Http.createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(": hello\n\n")
      responses.push(response)
    })
    const tell = () => {
      let left = eventsOfBare
      const next = () => {
        if (left-- === 0) return
        for (const response of responses) response.write(event)
        setImmediate(next)
      }
      next()
    }
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (typeof address !== "object" || address === null) return
      resume(Effect.succeed({
        port: address.port,
        tell,
        close: () => {
          server.closeAllConnections()
          server.close()
        }
      }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const marker = Buffer.from("event: Event\n")
const lag = Buffer.from("event: Lagged\n")

const occurrences = (chunk: Buffer, what: Buffer): number => {
  let count = 0
  for (let at = chunk.indexOf(what); at >= 0; at = chunk.indexOf(what, at + 1)) count++
  return count
}

/** Follows `count` times, runs what makes events, and tells how fast they came. */
export const followers = Effect.fnUntraced(
  function*(
    socketPath: string | undefined,
    count: number,
    load: Effect.Effect<void, Error>
  ): Effect.fn.Return<Told, Error, Scope.Scope> {
    const server = socketPath === undefined ? yield* bare : undefined
    let told = 0
    let lagged = 0
    yield* Effect.forEach(Array.from({ length: count }), () =>
      Effect.acquireRelease(
        Effect.callback<Http.ClientRequest, Error>((resume) => {
          const request = Http.get({
            ...(server === undefined ? { socketPath } : { host: "127.0.0.1", port: server.port }),
            path: "/v1/events",
            agent: false
          })
          request.on("error", (error) => resume(Effect.fail(error)))
          request.on("response", (response) => {
            response.on("data", (chunk: Buffer) => {
              told += occurrences(chunk, marker)
              lagged += occurrences(chunk, lag)
              resume(Effect.succeed(request))
            })
            response.on("error", () => {})
          })
        }),
        (request) => Effect.sync(() => request.destroy())
      ), { concurrency: 50 })
    const began = yield* Clock.monotonicTimeNanos
    yield* load
    server?.tell()
    // Until nothing new comes for a while, which is not counted.
    let last = -1
    let lastNanos = began
    while (last !== told) {
      last = told
      lastNanos = yield* Clock.monotonicTimeNanos
      yield* Effect.sleep("500 millis")
    }
    return { perSecond: told / (Number(lastNanos - began) / 1e9), lagged }
  }
)
