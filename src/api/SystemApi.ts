/**
 * Beside `/v1`: whether the daemon is well, and its metrics.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Access, Problems } from "./Access.ts"
import { problems } from "./Problem.ts"

/** How the daemon is. */
export const Health = Schema.Struct({
  status: Schema.Literals(["ok", "stopping"]),
  version: Schema.String
}).annotate({ identifier: "Health" })

export class SystemApi extends HttpApiGroup.make("system").add(
  HttpApiEndpoint.get("healthz", "/healthz", { success: Health })
    .annotate(OpenApi.Summary, "Whether the daemon answers"),
  HttpApiEndpoint.get("readyz", "/readyz", { success: [Health, Health.pipe(HttpApiSchema.status(503))] })
    .annotate(OpenApi.Summary, "Whether the daemon takes commands"),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" })),
    error: problems
  }).middleware(Access).annotate(OpenApi.Summary, "Metrics, for Prometheus")
).middleware(Problems) {}
