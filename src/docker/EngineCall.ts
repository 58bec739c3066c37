/**
 * A call of the Engine API as a value: where it goes, what it says, and the Schema of its reply.
 */
import { Schema } from "effect"

/** A call whose reply is `Returns`; `void` where there is nothing to say. */
export interface EngineCall<out Returns> {
  readonly method: "GET" | "POST" | "DELETE"
  /** Below the version, such as `/containers/json`. */
  readonly path: string
  /** Parameters; those that are undefined are left out. */
  readonly query: Readonly<Record<string, string | undefined>>
  readonly headers: Readonly<Record<string, string>>
  /** What is sent as JSON, encoded already. */
  readonly body?: unknown
  readonly returns: Schema.Codec<Returns, unknown>
}

interface Parts {
  readonly query?: EngineCall<unknown>["query"]
  readonly headers?: EngineCall<unknown>["headers"]
  readonly body?: unknown
}

/**
 * Makes a typed call. `Schema.Void` as the reply ignores what comes. Fields of a reply that its Schema does not name are
 * ignored: engines add some with every release.
 *
 * ```ts
 * const info = EngineCall.make("GET", "/info", Schema.Struct({ ServerVersion: Schema.String }))
 * ```
 */
export const make = <Returns>(
  method: EngineCall<Returns>["method"],
  path: string,
  returns: Schema.Codec<Returns, unknown>,
  { body, headers = {}, query = {} }: Parts = {}
): EngineCall<Returns> => ({ method, path, returns, query, headers, ...(body === undefined ? {} : { body }) })

/** A call whose reply says nothing. */
export const ask = (method: EngineCall<void>["method"], path: string, parts?: Parts): EngineCall<void> =>
  make(method, path, Schema.Void, parts)

/** A flag of a query: absent where it is not set. */
export const flag = (value: boolean | undefined): string | undefined => value === true ? "1" : undefined

/** An id or name as one part of a path. */
export const segment = (id: string): string => encodeURIComponent(id)

/** Filters of a query, as the API has them: each name with the values of which one must hold. */
export const filters = (all: Readonly<Record<string, ReadonlyArray<string>>>): string => JSON.stringify(all)

/** What it is called towards people, such as `POST /containers/c0/start`. */
export const nameOf = ({ method, path }: EngineCall<unknown>): string => `${method} ${path}`
