/**
 * What an instance is created from: a native spec as JSON or YAML, or a START payload, by its media type.
 */
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import { Launcher } from "../launcher/Launcher.ts"
import * as StartBorder from "../launcher/StartBorder.ts"
import * as NativeSpec from "../payload/NativeSpec.ts"
import * as StartPayload from "../payload/StartPayload.ts"
import * as AutoRemove from "./AutoRemove.ts"
import { ofLauncher, ofPayload, ofStart } from "./Failures.ts"
import { startType, yamlType } from "./InstancesApi.ts"
import { make as problem, type Problem } from "./Problem.ts"

/** What is to be created, and how. */
export interface Creation {
  readonly spec: InstanceSpec
  readonly text: string
  /** Creates it, and starts it unless it is to be left stopped. */
  readonly perform: Effect.Effect<InstanceInfo, Problem, Launcher>
}

const mediaTypeOf = ({ headers }: HttpServerRequest.HttpServerRequest): string =>
  (headers["content-type"] ?? "application/json").split(";")[0].trim().toLowerCase()

/** The body of a request, where it is not too large. */
export const textOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Problem> =>
  Effect.mapError(
    request.text,
    (error) =>
      error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge" ?
        tooLarge :
        problem("invalid_payload", {
          detail: "the body of the request could not be read to its end",
          hint: "send it whole, with its length"
        })
  )

/** The body is more than is read. */
export const tooLarge = problem("payload_too_large", {
  detail: "the body of the request is larger than what is read",
  hint: "a specification may have 1 MiB"
})

/** Reads a native spec: JSON is YAML. */
export const nativeSpec = (text: string): Effect.Effect<InstanceSpec, Problem> =>
  Effect.mapError(NativeSpec.decode(text), ofPayload)

/** Reads what is to be created. */
export const read = Effect.fnUntraced(function*(
  request: HttpServerRequest.HttpServerRequest,
  { autoRemove, start }: { readonly autoRemove?: boolean | undefined; readonly start?: boolean | undefined }
): Effect.fn.Return<Creation, Problem> {
  const type = mediaTypeOf(request)
  const isStarted = start !== false
  const launched = (spec: InstanceSpec) =>
    Launcher.use((launcher) => Effect.mapError(isStarted ? launcher.start(spec) : launcher.create(spec), ofLauncher))
  if (type === startType) {
    const text = yield* textOf(request)
    const { spec } = yield* Effect.mapError(StartPayload.decode(text), ofPayload)
    if (autoRemove === true) {
      return yield* problem("invalid_request", {
        detail: "a START payload has no place for autoRemove",
        hint: "delete the instance when it has ended, or send a native specification",
        fields: [{ path: "autoRemove", message: "must be left out" }]
      })
    }
    return { spec, text, perform: isStarted ? Effect.mapError(StartBorder.start(text), ofStart) : launched(spec) }
  }
  if (type !== "application/json" && type !== yamlType && type !== "text/yaml" && type !== "application/x-yaml") {
    return yield* problem("unsupported_media_type", {
      detail: "an instance is not created from that media type",
      hint: `send a native specification as application/json or ${yamlType}, or a START payload as ${startType}`
    })
  }
  const text = yield* textOf(request)
  const asked = yield* nativeSpec(text)
  const spec = autoRemove === true ? AutoRemove.mark(asked) : asked
  return { spec, text, perform: launched(spec) }
})
