/**
 * A typed client of the API.
 */
import type { Effect } from "effect"
import type { HttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { Api } from "./Api.ts"

/** A client: `client.instances.list({ query: {} })`. Every method fails with a `Problem` that the daemon tells. */
export type Client = HttpApiClient.ForApi<typeof Api>

/**
 * The client of the daemon that the `HttpClient` at hand leads to, such as one over its unix socket. That must be there for as long
 * as the client is used.
 */
export const make = (
  options: { readonly baseUrl?: URL | string | undefined } = {}
): Effect.Effect<Client, never, HttpClient.HttpClient> => HttpApiClient.make(Api, options)
