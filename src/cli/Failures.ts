/**
 * What a daemon's answers, and its silence, are as failures of `viv`.
 */
import { Predicate } from "effect"
import { HttpClientError } from "effect/http"
import { Problem, type ProblemCode } from "../api/Problem.ts"
import { CliFailure } from "./CliFailure.ts"
import type { Endpoint } from "./Endpoint.ts"
import { ExitCode, ofProblem } from "./ExitCode.ts"

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

/** The system's word for what went wrong, wherever in the causes it is. */
const systemCode = (error: unknown): string | undefined => {
  if (!Predicate.isObject(error)) return undefined
  if ("code" in error && typeof error.code === "string") return error.code
  return "cause" in error ? systemCode(error.cause) : undefined
}

/** The innermost word for what went wrong. */
export const messageOf = (error: unknown): string => {
  if (Predicate.isObject(error) && "cause" in error && error.cause !== undefined) return messageOf(error.cause)
  return error instanceof Error ? error.message : String(error)
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
  if (HttpClientError.isHttpClientError(error) && error.reason._tag === "TransportError") {
    const [detail, hint] = why(systemCode(error.reason), error.reason, to)
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
