/**
 * The API on a listener.
 */
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { Api } from "./Api.ts"
import * as EventHandlers from "./EventHandlers.ts"
import * as InstanceHandlers from "./InstanceHandlers.ts"
import * as NodeHandlers from "./NodeHandlers.ts"
import * as ProblemHandling from "./ProblemHandling.ts"
import * as SystemHandlers from "./SystemHandlers.ts"

/** The most that the body of a request may have: what a payload may, and a little more, so that it says itself what it may. */
const bodyMax = ByteSize.kibibytes(1_280)

/** All groups of the API. What a listener asks of who comes there is its `Access`. */
export const handlers = Layer.mergeAll(
  InstanceHandlers.layer,
  NodeHandlers.layer,
  EventHandlers.layer,
  SystemHandlers.layer
)

const notFound = HttpRouter.add("*", "/*", ProblemHandling.respond(NodeHandlers.notFound))

/** The page of documentation. It is large, and so made when it is asked for first. */
const docs = Layer.unwrap(Effect.map(
  Effect.cached(Effect.scoped(HttpRouter.toHttpEffect(HttpApiScalar.layer(Api, { path: "/docs" })))),
  (page) => HttpRouter.add("GET", "/docs", Effect.flatten(page))
))

/** The API, its OpenAPI document, and its page of documentation, on the router of a listener. */
export const routes = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(Layer.provide(handlers)),
  docs,
  notFound
).pipe(
  Layer.provide([ProblemHandling.layer, Layer.succeed(HttpServerRequest.MaxBodySize, bodyMax)])
)
