/**
 * A client of the Docker Engine API (https://docs.docker.com/reference/api/engine/), or of whatever else speaks it.
 */
import { Context, Duration, Effect, Layer, Option, Predicate, Schema, type Scope, Stream } from "effect"
import { Ndjson } from "effect/encoding"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import type { Socket } from "effect/socket"
import { type EngineCall, nameOf } from "./EngineCall.ts"
import type { EngineEndpoint } from "./EngineEndpoint.ts"
import {
  ConnectFailed,
  DeadlineExceeded,
  Disconnected,
  EngineError,
  fail,
  fromStatus,
  InvalidReply,
  isAway
} from "./EngineError.ts"
import * as EngineVersion from "./EngineVersion.ts"
import * as System from "./System.ts"

/** How a call is made. */
export interface CallOptions {
  /** How long the engine may take to answer: for a stream, until it begins. Default: the client's `callDeadline`. */
  readonly deadline?: Duration.Input
}

/** An engine. Its effects may be run by several fibers at once. */
export interface Shape {
  readonly endpoint: EngineEndpoint

  /**
   * The version of the API that is spoken with the engine. Asked once; again when it could not be reached meanwhile, since it may
   * be another one then. Fails with `VersionUnsupported`, and as {@link Shape.execute}.
   */
  readonly apiVersion: Effect.Effect<EngineVersion.ApiVersion, EngineError>

  /**
   * Makes a call, and answers its reply. May be interrupted at any point, which closes its connection, also on the engine's
   * side; the engine may do what it was asked all the same.
   *
   * Fails with `ConnectFailed`, `Disconnected` or `DeadlineExceeded` when the engine is away; with `BadParameter`, `Denied`,
   * `NotFound`, `Conflict` or `EngineFailed` when it refuses; with `InvalidReply` or `VersionUnsupported`.
   */
  readonly execute: <Returns>(call: EngineCall<Returns>, options?: CallOptions) => Effect.Effect<Returns, EngineError>

  /**
   * The reply as a stream of values, each of the call's Schema (JSON, one value a line). Ends when the engine ends it; ending it
   * here closes its connection. Fails as {@link Shape.execute}.
   */
  readonly stream: <Item>(call: EngineCall<Item>, options?: CallOptions) => Stream.Stream<Item, EngineError>

  /** Like {@link Shape.stream}, which is to be run at once: when this returns the engine has begun to answer. The scope ends it. */
  readonly begin: <Item>(
    call: EngineCall<Item>,
    options?: CallOptions
  ) => Effect.Effect<Stream.Stream<Item, EngineError>, EngineError, Scope.Scope>

  /** Like {@link Shape.stream}, of a reply that is bytes. */
  readonly bytes: (call: EngineCall<unknown>, options?: CallOptions) => Stream.Stream<Uint8Array, EngineError>

  /**
   * A call that makes its connection one of bytes in both directions (`Upgrade: tcp`). The scope closes it. It has one reader,
   * whose end closes it too. Fails as {@link Shape.execute}.
   */
  readonly upgrade: (
    call: EngineCall<unknown>,
    options?: CallOptions
  ) => Effect.Effect<Socket.Socket, EngineError, Scope.Scope>
}

/** The engine that containers run on. */
export class EngineClient extends Context.Service<EngineClient, Shape>()("vivarium/EngineClient") {}

export interface Options {
  readonly endpoint: EngineEndpoint
  /** How long a call may take that does not say. Default 10 s. */
  readonly callDeadline?: Duration.Input
}

/** The longest line of a stream: an event, or the stats of one container, are some kilobytes. */
const lineBytesMax = 4 * 1024 * 1024

/** What systems, and undici, say when there was no connection to begin with. */
const unconnected = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "EACCES",
  "EPERM",
  "ENOTSOCK",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT"
])

const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""

const wordsOf = (cause: unknown, otherwise: string): string =>
  Predicate.isError(cause) && cause.message !== "" ? cause.message : otherwise

/** Docker says `{"message"}`, Podman `{"cause","message","response"}`; what is in front of an engine may say anything. */
const Refusal = Schema.fromJsonString(Schema.Struct({ message: Schema.String }))

const decodeRefusal = Schema.decodeUnknownOption(Refusal)

const decodeVersion = Schema.decodeUnknownOption(EngineVersion.ApiVersion)

/** The longest text of a refusal that is no JSON. */
const refusalCharactersMax = 500

/**
 * Makes a client. Connects to nothing: an engine that is away is found out by the first call. The `HttpClient` must lead to the
 * endpoint, as its `connect` says.
 */
export const make = Effect.fn("EngineClient.make")(function*(
  options: Options
): Effect.fn.Return<Shape, never, HttpClient.HttpClient> {
  const { endpoint } = options
  const http = HttpClient.withScope(yield* HttpClient.HttpClient)
  const callDeadline = options.callDeadline ?? "10 seconds"
  let negotiated: EngineVersion.ApiVersion | undefined

  const failureOf = (name: string) => ({ reason }: HttpClientError.HttpClientError): EngineError => {
    const code = codeOf(reason.cause)
    const detail = wordsOf(reason.cause, reason.message)
    if (reason._tag === "TransportError" && unconnected.has(code)) {
      return fail(new ConnectFailed({ address: endpoint.address, code, detail }))
    }
    return fail(new Disconnected({ call: name, detail }))
  }

  const within =
    (name: string, deadline: Duration.Input = callDeadline) =>
    <A, R>(effect: Effect.Effect<A, EngineError, R>): Effect.Effect<A, EngineError, R> => {
      const millis = Duration.toMillis(Duration.fromInputUnsafe(deadline))
      return Effect.timeoutOrElse(effect, {
        duration: deadline,
        orElse: () => Effect.fail(fail(new DeadlineExceeded({ call: name, millis })))
      })
    }

  /** Sends a call below a version. The reply is open as long as the scope is; a refusal has been read. */
  const send = Effect.fnUntraced(function*(call: EngineCall<unknown>, prefix: string, upgrade: boolean) {
    const name = nameOf(call)
    let request = HttpClientRequest.make(call.method)(`${endpoint.origin}${prefix}${call.path}`, {
      urlParams: call.query,
      headers: call.headers
    })
    if (call.body !== undefined) request = HttpClientRequest.bodyJsonUnsafe(request, call.body)
    if (upgrade) request = HttpClientRequest.upgrade(request, "tcp")
    const response = yield* Effect.mapError(http.execute(request), failureOf(name))
    // 304 says that it is so already. To be sent elsewhere is for browsers.
    if (response.status < 300 || response.status === 304) return response
    const text = yield* Effect.orElseSucceed(response.text, () => "")
    const detail = Option.match(decodeRefusal(text), {
      onNone: () => text.slice(0, refusalCharactersMax).trim() || "it gave no reason",
      onSome: ({ message }) => message
    })
    return yield* Effect.fail(fromStatus(name, response.status, detail))
  })

  const decoded = Effect.fnUntraced(function*<Returns>(
    call: EngineCall<Returns>,
    response: HttpClientResponse.HttpClientResponse
  ) {
    const name = nameOf(call)
    const invalid = (error: { readonly message: string }) =>
      fail(new InvalidReply({ call: name, detail: error.message }))
    // A reply that says nothing is read all the same: until then its connection is not free.
    const isNothing = call.returns.ast._tag === "Void"
    const reply = yield* isNothing
      ? Effect.as(Effect.mapError(response.text, failureOf(name)), undefined)
      : Effect.mapError(
        response.json,
        (error) => error.reason.cause instanceof SyntaxError ? invalid(error.reason.cause) : failureOf(name)(error)
      )
    return yield* Effect.mapError(Schema.decodeUnknownEffect(call.returns)(reply), invalid)
  })

  const ask = Effect.fnUntraced(function*<Returns>(call: EngineCall<Returns>, prefix: string) {
    return yield* decoded(call, yield* send(call, prefix, false))
  }, Effect.scoped)

  /** The newest version that the engine speaks, as a sign of life tells it. */
  const newest = Effect.gen(function*() {
    const response = yield* send(System.ping, "", false)
    // Its connection is free when it has been read.
    yield* Effect.mapError(response.text, failureOf(nameOf(System.ping)))
    return decodeVersion(response.headers["api-version"])
  }).pipe(Effect.scoped, within(nameOf(System.ping)))

  /** Its oldest is of interest only where its newest is not spoken here. */
  const negotiate = Effect.flatMap(
    newest,
    (version) =>
      Option.isSome(version) && EngineVersion.isSupported(version.value)
        ? Effect.succeed(version.value)
        : Effect.flatMap(
          within(nameOf(System.version))(ask(System.version, "")),
          ({ ApiVersion, MinAPIVersion }) =>
            Effect.fromResult(EngineVersion.negotiate({ oldest: MinAPIVersion ?? ApiVersion, newest: ApiVersion }))
        )
  )

  const apiVersion = Effect.suspend(() =>
    negotiated === undefined
      ? Effect.tap(negotiate, (version) =>
        Effect.sync(() => {
          negotiated = version
        }))
      : Effect.succeed(negotiated)
  )

  /** An engine that comes back may be another. */
  const forget = (error: EngineError): Effect.Effect<void> =>
    Effect.sync(() => {
      if (isAway(error)) negotiated = undefined
    })

  const open = Effect.fnUntraced(
    function*(call: EngineCall<unknown>, limit: CallOptions | undefined, upgrade: boolean) {
      const version = yield* apiVersion
      return yield* within(nameOf(call), limit?.deadline)(send(call, `/v${version}`, upgrade))
    },
    Effect.tapError(forget)
  )

  const beginBytes = (call: EngineCall<unknown>, limit: CallOptions | undefined) =>
    Effect.map(open(call, limit, false), ({ stream }) => Stream.mapError(stream, failureOf(nameOf(call))))

  const begin: Shape["begin"] = (call, limit) => {
    const name = nameOf(call)
    return Effect.map(beginBytes(call, limit), (bytes) =>
      bytes.pipe(
        Stream.pipeThroughChannel(
          Ndjson.decodeSchema(call.returns)({ ignoreEmptyLines: true, maxLineBytes: lineBytesMax })
        ),
        Stream.mapError((error) =>
          error instanceof EngineError
            ? error
            // The last line is cut where the connection was.
            : error._tag === "NdjsonError" && error.unterminated
            ? fail(new Disconnected({ call: name, detail: "in the middle of a line" }))
            : fail(new InvalidReply({ call: name, detail: error.message }))
        )
      ))
  }

  return {
    endpoint,
    apiVersion,
    execute: (call, limit) =>
      apiVersion.pipe(
        Effect.flatMap((version) => within(nameOf(call), limit?.deadline)(ask(call, `/v${version}`))),
        Effect.tapError(forget)
      ),
    begin,
    stream: (call, limit) => Stream.unwrap(begin(call, limit)),
    bytes: (call, limit) => Stream.unwrap(beginBytes(call, limit)),
    upgrade: Effect.fnUntraced(function*(call, limit) {
      const response = yield* open(call, limit, true)
      return yield* Effect.mapError(response.upgrade, failureOf(nameOf(call)))
    })
  }
})

/** The engine of an endpoint. */
export const layer = (options: Options): Layer.Layer<EngineClient, never, HttpClient.HttpClient> =>
  Layer.effect(EngineClient, make(options))
