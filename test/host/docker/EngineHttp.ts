/**
 * The bare HTTP of a Docker Engine, past all that is tested: on kept connections, without a schema.
 */
import { Effect, Schema } from "effect"
import * as Http from "node:http"

/** What an engine answered. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** An engine did not answer, or not with what was expected of it. */
export class EngineHttpFailed extends Schema.TaggedError<EngineHttpFailed>()("EngineHttpFailed", {
  message: Schema.String
}) {}

/** What can be asked of an engine. */
export interface EngineHttp {
  /** Asks, and answers whatever the status is. */
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Http.OutgoingHttpHeaders
  ) => Effect.Effect<Answer, EngineHttpFailed>
  /** Asks for what succeeds, and answers what was said. */
  readonly done: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Http.OutgoingHttpHeaders
  ) => Effect.Effect<string, EngineHttpFailed>
  /** Asks what is there, of which this much is of interest. */
  readonly read: <A, I>(what: Schema.Codec<A, I>, path: string) => Effect.Effect<A, EngineHttpFailed>
}

/** Bytes as they are, all else as JSON. */
const encode = (body: unknown): readonly [type: string, bytes: Uint8Array] =>
  body instanceof Uint8Array
    ? ["application/x-tar", body]
    : ["application/json", body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body))]

/** The bare HTTP of the engine that listens at a unix socket, as long as the scope is open. */
export const make = Effect.fn("EngineHttp.make")(function*(socketPath: string) {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Http.Agent({ keepAlive: true })),
    (agent) => Effect.sync(() => agent.destroy())
  )
  const request: EngineHttp["request"] = (method, path, body, more) =>
    Effect.callback<Answer, EngineHttpFailed>((resume) => {
      const fail = (error: Error) =>
        resume(Effect.fail(new EngineHttpFailed({ message: `${method} ${path}: ${error.message}` })))
      const [type, bytes] = encode(body)
      const headers = { "content-type": type, "content-length": bytes.length, ...more }
      const request = Http.request({ agent, socketPath, method, path, headers }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (piece: string) => {
          text += piece
        })
        response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
        response.on("error", fail)
      })
      request.on("error", fail)
      request.end(bytes)
      return Effect.sync(() => request.destroy())
    })
  const done: EngineHttp["done"] = (method, path, body, headers) =>
    Effect.flatMap(request(method, path, body, headers), ({ status, text }) =>
      status < 400
        ? Effect.succeed(text)
        : Effect.fail(new EngineHttpFailed({ message: `${method} ${path}: status ${status}: ${text.trim()}` })))
  const read: EngineHttp["read"] = (what, path) =>
    Effect.flatMap(done("GET", path), (text) =>
      Effect.mapError(
        Schema.decodeEffect(Schema.fromJsonString(what))(text),
        ({ message }) => new EngineHttpFailed({ message: `GET ${path}: ${message}` })
      ))
  return { request, done, read } satisfies EngineHttp
})
