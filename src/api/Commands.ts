/**
 * How a command is asked for over HTTP, and answered.
 */
import { Effect, Schema } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { Operation } from "./Operation.ts"
import { type Answer, Operations, type Request } from "./Operations.ts"
import type { Problem } from "./Problem.ts"

/** The headers that say how a command is to be answered. */
interface Headers {
  readonly prefer?: string | undefined
  readonly "idempotency-key"?: string | undefined
}

const encode = Schema.encodeSync(Schema.toCodecJson(Operation))

const isAsync = (prefer: string | undefined): boolean =>
  prefer !== undefined && /(^|[,;])\s*respond-async\b/i.test(prefer)

/** 202, with where the operation is. */
const begun = (operation: Operation): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(encode(operation), {
    status: 202,
    headers: { location: `/v1/operations/${operation.operation}`, "preference-applied": "respond-async" }
  })

/** What a command needs to know of its request, beside what it is itself. `body` is what makes two requests the same. */
export interface Asked extends Pick<Request, "command" | "instance" | "cancelOnDisconnect"> {
  readonly headers: Headers
  readonly body?: string | undefined
}

/** Runs a command beside its caller, and waits for it unless the caller does not want to. */
const run = Effect.fnUntraced(function*<E extends Problem>(
  { body = "", cancelOnDisconnect, command, headers, instance }: Asked,
  effect: Effect.Effect<InstanceInfo | undefined, E>
): Effect.fn.Return<Answer, Problem, Operations | HttpServerRequest.HttpServerRequest> {
  const operations = yield* Operations
  const { method, url } = yield* HttpServerRequest.HttpServerRequest
  const [path = ""] = url.split("?")
  const key = headers["idempotency-key"]
  return yield* operations.run({
    command,
    instance,
    cancelOnDisconnect,
    isAsync: isAsync(headers.prefer),
    ...(key === undefined ? {} : {
      idempotency: { key: `${method} ${path} ${key}`, fingerprint: `${url}\n${body}` }
    })
  }, effect)
})

/** A command whose answer is the instance. */
export const changing = (asked: Asked, effect: Effect.Effect<InstanceInfo, Problem>) =>
  Effect.map(run(asked, effect), (answer) => {
    if (answer._tag === "Begun") return begun(answer.operation)
    // A command of this kind answers with an instance.
    return answer.result ?? HttpServerResponse.empty({ status: 204 })
  })

/** A command whose answer is that it is done. */
export const doing = (asked: Asked, effect: Effect.Effect<void, Problem>) =>
  Effect.map(
    run(asked, Effect.as(effect, undefined)),
    (answer) => answer._tag === "Begun" ? begun(answer.operation) : undefined
  )
