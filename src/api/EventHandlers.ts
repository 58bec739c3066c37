/**
 * `/v1/events`, by the launcher.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Launcher } from "../launcher/Launcher.ts"
import { Api } from "./Api.ts"
import * as Following from "./Following.ts"
import { Streams } from "./Streams.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function*(handlers) {
    const launcher = yield* Launcher
    const streams = yield* Streams
    const encoded = new Following.Encoded()
    return handlers.handle("events", ({ headers, query }) =>
      Effect.gen(function*() {
        yield* streams.admit
        const after = headers["last-event-id"]
        const instances = after === undefined ? [] : yield* launcher.list
        const changes = after === undefined ? launcher.changes : launcher.changesAfter(after)
        const bytes = Following.bytes(changes, {
          interest: query,
          encoded,
          after,
          instances,
          quietAfter: streams.limits.quietAfter
        })
        return HttpServerResponse.stream(streams.bound(bytes), {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      }))
  })
)
