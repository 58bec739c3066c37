/**
 * Calls about images.
 */
import { Schema } from "effect"
import * as EngineCall from "./EngineCall.ts"
import { filters, flag } from "./EngineCall.ts"
import * as ImageReference from "./ImageReference.ts"

/** An image as `inspect` tells it. */
export const Image = Schema.Struct({
  Id: Schema.String,
  RepoTags: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Architecture: Schema.String,
  Os: Schema.String,
  /** Bytes. */
  Size: Schema.Int
})

export type Image = typeof Image.Type

/** A name may have slashes, which are slashes of the path too. */
const named = (name: string): string => name.split("/").map(EngineCall.segment).join("/")

/** `GET /images/{name}/json`, by reference or id. Fails with `NotFound`. */
export const inspect = (name: string) => EngineCall.make("GET", `/images/${named(name)}/json`, Image)

/** `GET /images/json`: those that have every one of these labels. */
export const list = (options: { readonly labels?: ReadonlyArray<string> } = {}) =>
  EngineCall.make(
    "GET",
    "/images/json",
    Schema.Array(Schema.Struct({
      Id: Schema.String,
      RepoTags: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
    })),
    { query: { filters: filters({ label: options.labels ?? [] }) } }
  )

/** `DELETE /images/{name}`. Fails with `Conflict` when containers are made of it, unless by `force`. */
export const remove = (name: string, options: { readonly force?: boolean } = {}) =>
  EngineCall.ask("DELETE", `/images/${named(name)}`, { query: { force: flag(options.force) } })

/** One line of a pull. */
export const PullLine = Schema.Struct({
  status: Schema.optionalKey(Schema.String),
  /** The layer it is about. */
  id: Schema.optionalKey(Schema.String),
  progressDetail: Schema.optionalKey(Schema.Struct({
    current: Schema.optionalKey(Schema.Number),
    total: Schema.optionalKey(Schema.Number)
  })),
  /** It failed, although the status of the reply said otherwise. */
  error: Schema.optionalKey(Schema.String)
})

export type PullLine = typeof PullLine.Type

/**
 * `POST /images/create`. For `EngineClient.stream`; see `ImagePull`, which knows what its lines mean. `auth` is the
 * `X-Registry-Auth` header: see `RegistryCredentials`.
 */
export const pull = (reference: ImageReference.ImageReference, auth: string | undefined) =>
  EngineCall.make("POST", "/images/create", PullLine, {
    query: { fromImage: ImageReference.format(reference) },
    headers: auth === undefined ? {} : { "X-Registry-Auth": auth }
  })
