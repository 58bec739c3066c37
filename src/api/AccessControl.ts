/**
 * Who may use the API, by the listener that a request came to; and a line in the log for each change that is asked for.
 */
import { Context, Effect, Layer, type Redacted } from "effect"
import { HttpEffect, HttpServerRequest } from "effect/http"
import { Access } from "./Access.ts"
import { Needs, type Scope } from "./Needs.ts"
import { make as problem, type Problem } from "./Problem.ts"

/** Who asks, and what they may. */
export interface Principal {
  readonly name: string
  readonly scope: Scope
}

/** How a listener finds out who asks. Answers `undefined` where nobody is known by that token. */
export type Authenticate = (token: Redacted.Redacted) => Effect.Effect<Principal | undefined>

const unauthorized = problem("unauthorized", {
  detail: "this listener asks for a token, and none, or one that is not known, was sent",
  hint: "send Authorization: Bearer TOKEN, with a token of the daemon's configuration"
})

const forbidden = ({ name }: Principal): Problem =>
  problem("forbidden", {
    detail: `the token of ${name} may read, and this changes something`,
    hint: "use a token with the scope write: whoever has it may read the files that the daemon's roots allow"
  })

/** Tells what is asked for, and by whom. Never a body, nor a query. */
const tell = (
  { name }: Principal,
  { method, url }: HttpServerRequest.HttpServerRequest,
  more: { readonly status?: number }
) => Effect.logInfo("audit").pipe(Effect.annotateLogs({ by: name, method, path: url.split("?")[0], ...more }))

/** Tells what a request changed, or tried to, and how it was answered. */
const audit = (principal: Principal) =>
  HttpEffect.appendPreResponseHandler((request, response) =>
    Effect.as(tell(principal, request, { status: response.status }), response)
  )

/** Lets in whom a listener knows. */
export const layer = (authenticate: Authenticate): Layer.Layer<Access> =>
  Layer.succeed(Access, {
    bearer: (handler, { credential, endpoint, group }) =>
      Effect.gen(function*() {
        const principal = yield* authenticate(credential)
        if (principal === undefined) return yield* unauthorized
        const annotations = Context.merge(group.annotations, endpoint.annotations)
        const needs = Context.get(annotations, Needs) ?? (endpoint.method === "GET" ? "read" : "write")
        if (needs === "write") {
          yield* audit(principal)
          if (principal.scope !== "write") return yield* forbidden(principal)
          // A console is answered when it is over: that it is open is told now.
          const request = yield* HttpServerRequest.HttpServerRequest
          if (request.headers["upgrade"] !== undefined) yield* tell(principal, request, {})
        }
        return yield* handler
      })
  })

/** Lets in whoever reached the listener: the mode of its socket decides who that is. */
export const layerTrusted = (name: string): Layer.Layer<Access> => layer(() => Effect.succeed({ name, scope: "write" }))
