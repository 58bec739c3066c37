/**
 * Whether the daemon is well, and its metrics.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Api } from "./Api.ts"
import { Shutdown } from "./Shutdown.ts"
import { version } from "./Version.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "system",
  Effect.fnUntraced(function*(handlers) {
    const shutdown = yield* Shutdown
    return handlers
      .handle("healthz", () => Effect.succeed({ status: "ok" as const, version }))
      .handle("readyz", () =>
        Effect.map(shutdown.hasBegun, (isGoing) =>
          isGoing
            ? HttpServerResponse.jsonUnsafe({ status: "stopping", version }, { status: 503 })
            : { status: "ok" as const, version }))
      .handle("metrics", () => PrometheusMetrics.format())
  })
)
