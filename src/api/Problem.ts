/**
 * How the API says that something failed: problem documents (RFC 9457), with the codes that control planes switch on.
 */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { Phase } from "../domain/Phase.ts"

/** What went wrong. The codes of the launcher, of payloads, and of the API itself. */
export const ProblemCode = Schema.Literals([
  "already_attached",
  "already_running",
  "attach_failure",
  "crash_loop",
  "forbidden",
  "full_cn",
  "idempotency_mismatch",
  "image_failure",
  "instance_exists",
  "instance_failure",
  "internal_error",
  "invalid_data",
  "invalid_payload",
  "invalid_request",
  "launch_failure",
  "launcher_closed",
  "network_failure",
  "no_instance",
  "node_maintenance",
  "not_found",
  "not_supported",
  "payload_too_large",
  "state_failure",
  "superseded",
  "timed_out",
  "too_many",
  "unauthorized",
  "unsupported_media_type"
])

export type ProblemCode = typeof ProblemCode.Type

/** The HTTP status of each code. */
export const statusOf: Readonly<Record<ProblemCode, number>> = {
  already_attached: 409,
  already_running: 409,
  attach_failure: 422,
  crash_loop: 422,
  forbidden: 403,
  full_cn: 503,
  idempotency_mismatch: 409,
  image_failure: 422,
  instance_exists: 409,
  instance_failure: 409,
  internal_error: 500,
  invalid_data: 400,
  invalid_payload: 400,
  invalid_request: 400,
  launch_failure: 422,
  launcher_closed: 503,
  network_failure: 422,
  no_instance: 404,
  node_maintenance: 503,
  not_found: 404,
  not_supported: 501,
  payload_too_large: 413,
  state_failure: 500,
  superseded: 409,
  timed_out: 504,
  too_many: 429,
  unauthorized: 401,
  unsupported_media_type: 415
}

/** One value that is wrong. */
export const ProblemField = Schema.Struct({
  /** Where, such as `volumes[1].id`; empty for the whole. */
  path: Schema.String,
  /** What is wrong with it, and what it must be. */
  message: Schema.String
})

/** The media type of a problem document. */
export const problemContentType = "application/problem+json"

/** What went wrong, where, and what to do about it. It tells no values of a request: they may be secrets. */
export class Problem extends Schema.Error<Problem>("Problem")({
  /** Names the kind of problem: `urn:vivarium:problem:` and the code. */
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  code: ProblemCode,
  /** What happened. */
  detail: Schema.String,
  /** What to do next. */
  hint: Schema.optionalKey(Schema.String),
  /** Where in the instance's life a step failed. */
  phase: Schema.optionalKey(Phase),
  /** The id of the instance that it is about. */
  instance: Schema.optionalKey(Schema.String),
  /** The values of the request that are wrong. */
  fields: Schema.optionalKey(Schema.Array(ProblemField))
}, { identifier: "Problem", description: "A problem document (RFC 9457)" }) {
  readonly _tag = "Problem"
  override get message(): string {
    return this.detail
  }
}

/** A problem as it is sent, with one status. The union of these is told apart by it. */
const at = (status: number) =>
  Problem.check(Schema.makeFilter((problem: Problem) => problem.status === status)).pipe(
    HttpApiSchema.status(status),
    HttpApiSchema.asJson({ contentType: problemContentType })
  )

/** What every endpoint can fail with, by status. */
export const problems = [
  at(400),
  at(401),
  at(403),
  at(404),
  at(409),
  at(413),
  at(415),
  at(422),
  at(429),
  at(500),
  at(501),
  at(503),
  at(504)
] as const

/** What is told of a problem beside its code. */
export interface ProblemDetails {
  readonly detail: string
  readonly hint?: string | undefined
  readonly phase?: Phase | undefined
  readonly instance?: string | undefined
  readonly fields?: ReadonlyArray<typeof ProblemField.Type> | undefined
}

/** A problem of this code. */
export const make = (code: ProblemCode, { detail, fields, hint, instance, phase }: ProblemDetails): Problem =>
  new Problem({
    type: `urn:vivarium:problem:${code}`,
    title: code.replaceAll("_", " "),
    status: statusOf[code],
    code,
    detail,
    ...(hint === undefined ? {} : { hint }),
    ...(phase === undefined ? {} : { phase }),
    ...(instance === undefined ? {} : { instance }),
    ...(fields === undefined ? {} : { fields })
  })
