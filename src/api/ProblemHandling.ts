/**
 * Everything that goes wrong becomes a problem document.
 */
import { Cause, Effect, Layer, Schema, type Types } from "effect"
import { HttpServerError, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { fromIssue } from "../payload/PayloadError.ts"
import { Problems } from "./Access.ts"
import { tooLarge } from "./Creating.ts"
import { make as problem, Problem, problemContentType } from "./Problem.ts"

/** Where in a request a value was. */
const places = { Params: "path", Headers: "headers", Query: "query", Payload: "", Body: "", ResponseHeaders: "" }

/** A request that is not what the API defines. Names the fields, and no values. */
const invalid = ({ cause, kind }: HttpApiError.HttpApiSchemaError): Problem => {
  const place = places[kind]
  const error = fromIssue(cause.issue, place === "" ? [] : [place])
  return problem(kind === "Payload" ? "invalid_data" : "invalid_request", {
    detail: error.message,
    hint: "correct the named fields, then ask again",
    fields: error.problems
  })
}

const failed = problem("internal_error", {
  detail: "the daemon failed",
  hint: "its log says why; report that"
})

const unread = problem("invalid_payload", {
  detail: "the body of the request could not be read",
  hint: "send it whole, with its length"
})

/** What a defect is for who asked. What is a bug of ours is logged with its cause. */
const ofDefect = (defect: unknown): Effect.Effect<never, Problem> => {
  if (HttpServerError.isHttpServerError(defect)) {
    const { reason } = defect
    if (reason._tag === "RequestParseError") return Effect.fail(reason.reason === "BodyTooLarge" ? tooLarge : unread)
  }
  return Effect.andThen(Effect.logError("a request failed", Cause.die(defect)), Effect.fail(failed))
}

export const layer: Layer.Layer<Problems> = Layer.succeed(Problems, (handler) => {
  // oxlint-disable-next-line promise/valid-params -- it is an Effect's
  const told = Effect.catch(handler, (error): Effect.Effect<never, Problem | Types.unhandled> => {
    if (!HttpApiError.HttpApiSchemaError.is(error)) return Effect.fail(error)
    return error.kind === "Body" || error.kind === "ResponseHeaders"
      ? ofDefect(error.cause)
      : Effect.fail(invalid(error))
  })
  return Effect.catchDefect(
    told,
    (defect) => HttpServerResponse.isHttpServerResponse(defect) ? Effect.die(defect) : ofDefect(defect)
  )
})

const encode = Schema.encodeSync(Schema.toCodecJson(Problem))

/** A problem as a response of its own. */
export const respond = (problem: Problem): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(encode(problem), { status: problem.status, contentType: problemContentType })
