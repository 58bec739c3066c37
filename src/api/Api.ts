/**
 * The HTTP API of a node: one definition for the server, the typed client, the OpenAPI document and the page of documentation.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { EventsApi } from "./EventsApi.ts"
import { InstancesApi } from "./InstancesApi.ts"
import { NodeApi } from "./NodeApi.ts"
import { SystemApi } from "./SystemApi.ts"
import { version } from "./Version.ts"

export class Api extends HttpApi.make("vivarium")
  .add(InstancesApi)
  .add(NodeApi)
  .add(EventsApi)
  .add(SystemApi)
  .annotateMerge(OpenApi.annotations({
    title: "Vivarium",
    version,
    description: "Virtual machines and containers of one node.",
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
  }))
{}
