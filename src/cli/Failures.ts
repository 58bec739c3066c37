/**
 * What a daemon's answers, and its silence, are as failures of `viv`.
 */
import { Option, Predicate, Schema } from "effect"
import { HttpClientError } from "effect/http"
import { Problem, type ProblemCode } from "../api/Problem.ts"
import { CliFailure, failed } from "./CliFailure.ts"
import type { Endpoint } from "./Endpoint.ts"
import { ExitCode, ofProblem } from "./ExitCode.ts"
import { Refused } from "./Transport.ts"

/** What to do where the daemon speaks of its API, and viv has a command. */
const hints: Readonly<Partial<Record<ProblemCode, string>>> = {
  no_instance: "viv ls lists those that are there",
  full_cn: "start it on another node, or stop or remove others first; viv status tells what is held",
  not_supported: "viv status tells what each virtualizer of the node can do",
  node_maintenance: "viv restore takes the node back to service; viv status tells how it is",
  unauthorized: "show a token: --token-file, VIV_TOKEN, VIV_TOKEN_FILE, or viv context add"
}

const ofDaemon = (problem: Problem, name: string): CliFailure => {
  const { code, detail, fields, instance, phase, status } = problem
  const hint = hints[code] ?? problem.hint
  return new CliFailure({
    exitCode: ofProblem(code, status),
    code,
    detail: code === "unauthorized" || code === "forbidden" ? `${name}: ${detail}` : detail,
    ...(hint === undefined ? {} : { hint }),
    ...(instance === undefined ? {} : { instance }),
    ...(phase === undefined ? {} : { phase }),
    ...(fields === undefined ? {} : { fields: fields.map(({ message, path }) => ({ path, detail: message })) })
  })
}

/** What an error, or the event of one, was caused by. */
const causeOf = (error: object): unknown => {
  if ("cause" in error && error.cause !== undefined) return error.cause
  if ("reason" in error && Predicate.isObject(error.reason)) return error.reason
  return "error" in error ? error.error : undefined
}

/** The system's word for what went wrong, wherever in the causes it is. */
const systemCode = (error: unknown): string | undefined => {
  if (!Predicate.isObject(error)) return undefined
  return "code" in error && typeof error.code === "string" ? error.code : systemCode(causeOf(error))
}

/** What went wrong first. */
const innermost = (error: unknown): unknown => {
  const cause = Predicate.isObject(error) ? causeOf(error) : undefined
  return cause === undefined ? error : innermost(cause)
}

/** The innermost word for what went wrong. */
const messageOf = (error: unknown): string => {
  const first = innermost(error)
  return first instanceof Error ? first.message : String(first)
}

/** Why nothing was heard, and what to do. */
const why = (
  code: string | undefined,
  cause: unknown,
  { socketPath }: Endpoint
): readonly [why: string, hint: string] => {
  switch (code) {
    case "ENOENT":
      return [
        "nothing listens there",
        "start the daemon: systemctl start vivd, or vivd; or name another with --socket, --state-dir or --host"
      ]
    case "ECONNREFUSED":
      return ["nothing listens there any more", "start the daemon: systemctl start vivd, or vivd"]
    case "EACCES":
    case "EPERM":
      return ["you may not use its socket", `become a member of the group that owns ${socketPath}, or root`]
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return ["there is no such host", "look at --host, VIV_HOST and viv context ls"]
    case "ECONNRESET":
    case "EPIPE":
    case "ERR_STREAM_PREMATURE_CLOSE":
      return ["it closed the connection", "what was asked for may go on: viv ls tells"]
    default:
      return code?.includes("CERT") === true || code?.includes("SIGNATURE") === true
        ? [
          `its certificate is not trusted: ${messageOf(cause)}`,
          "name the certificates that it is signed by: --tls-ca"
        ]
        : [messageOf(cause), "look at the daemon's log"]
  }
}

/** Whatever a request failed with, as a failure that says what to do. */
export const failureOf = (to: Endpoint) => (error: unknown): CliFailure => {
  if (error instanceof CliFailure) return error
  if (error instanceof Problem) return ofDaemon(error, to.name)
  const code = systemCode(error)
  const isTransport = HttpClientError.isHttpClientError(error) && error.reason._tag === "TransportError"
  // In the middle of an answer it is no request that fails.
  if (isTransport || code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") {
    const [detail, hint] = why(code, error, to)
    return new CliFailure({
      exitCode: ExitCode.unreachable,
      detail: `the daemon at ${to.name} can not be reached: ${detail}`,
      hint
    })
  }
  return new CliFailure({
    exitCode: ExitCode.failed,
    detail: `${to.name} answered what viv does not understand: ${messageOf(error)}`,
    hint: "viv version tells whether both are of the same version"
  })
}

const decodeProblem = Schema.decodeOption(Schema.fromJsonString(Schema.toCodecJson(Problem)))

/** Why a console could not be opened, or broke off. */
export const consoleFailureOf = (to: Endpoint, name: string) => (error: unknown): CliFailure => {
  const first = innermost(error)
  return Option.match(first instanceof Refused ? decodeProblem(first.body) : Option.none(), {
    onNone: () => failed(`the console of ${name} broke off: ${messageOf(error)}`),
    onSome: (problem) => ofDaemon(problem, to.name)
  })
}
