/**
 * `/v1/node`: the node itself, and `/v1/operations`.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Capabilities } from "../domain/Capabilities.ts"
import { InstanceId } from "../domain/InstanceId.ts"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { InstanceSpec, VirtualizerName } from "../domain/InstanceSpec.ts"
import { NodeStatistics, NodeStatus } from "../domain/NodeStatus.ts"
import { Access, Problems } from "./Access.ts"
import { Accepted, CommandHeaders, SpecText } from "./InstancesApi.ts"
import { Operation } from "./Operation.ts"
import { Problem, problems } from "./Problem.ts"

/** A node, and what it runs. */
export const NodeInfo = Schema.Struct({
  /** The daemon's. */
  version: Schema.String,
  virtualizers: Schema.Array(Schema.Struct({ name: VirtualizerName, capabilities: Capabilities })),
  status: NodeStatus
}).annotate({ identifier: "Node" })

export type NodeInfo = typeof NodeInfo.Type

/** How far an evacuation or a reset has come. */
export const Removal = Schema.Union([
  /** One thing is done with: removed, or not, for `problem`. So many of so many are done. */
  Schema.TaggedStruct("Removed", {
    what: Schema.Literals(["instance", "orphan", "record"]),
    name: Schema.String,
    problem: Schema.optionalKey(Problem),
    done: Schema.Natural,
    total: Schema.Natural
  }),
  /** It came to its end. So many things were removed, and so many could not be. */
  Schema.TaggedStruct("Done", { removed: Schema.Natural, failed: Schema.Natural }),
  /** It could not be gone on with. */
  Schema.TaggedStruct("Failed", { problem: Problem })
]).annotate({ identifier: "Removal" })

export type Removal = typeof Removal.Type

/** What is there of an instance that has no record. */
export const OrphanInfo = Schema.Struct({
  id: InstanceId,
  /** Its guest, where one runs. */
  guest: Schema.optionalKey(Schema.Struct({ virtualizer: VirtualizerName, handle: Schema.String }))
}).annotate({ identifier: "Orphan" })

/** One thing that the node needs. */
export const Check = Schema.Struct({
  name: Schema.String,
  /** `warning`: it works, with something missing. `unknown`: it could not be found out. */
  status: Schema.Literals(["ok", "warning", "missing", "unknown"]),
  /** What was found. */
  detail: Schema.String,
  /** What mends it, as a command where one does. */
  remedy: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Check" })

export type Check = typeof Check.Type

const removals = [HttpApiSchema.StreamNdjson({ schema: Removal }), Accepted] as const

export class NodeApi extends HttpApiGroup.make("node").add(
  HttpApiEndpoint.get("status", "/node", { success: NodeInfo, error: problems })
    .annotate(OpenApi.Summary, "How the node is"),
  HttpApiEndpoint.get("statistics", "/node/statistics", { success: NodeStatistics, error: problems })
    .annotate(OpenApi.Summary, "What the node has and its instances use, measured now"),
  HttpApiEndpoint.post("evacuate", "/node/evacuate", { headers: CommandHeaders, success: removals, error: problems })
    .annotate(OpenApi.Summary, "Put the node into maintenance, stop and remove every instance"),
  HttpApiEndpoint.post("restore", "/node/restore", { success: HttpApiSchema.NoContent, error: problems })
    .annotate(OpenApi.Summary, "Put the node back to service"),
  HttpApiEndpoint.post("reset", "/node/reset", { headers: CommandHeaders, success: removals, error: problems })
    .annotate(OpenApi.Summary, "End every instance at once, and remove everything"),
  HttpApiEndpoint.get("orphans", "/node/orphans", { success: Schema.Array(OrphanInfo), error: problems })
    .annotate(OpenApi.Summary, "Guests and files that no record explains"),
  HttpApiEndpoint.post("adopt", "/node/orphans", {
    payload: [InstanceSpec, SpecText],
    success: InstanceInfo.pipe(HttpApiSchema.status(201)),
    error: problems
  }).annotate(OpenApi.Summary, "Make a guest without a record an instance again"),
  HttpApiEndpoint.delete("destroyOrphan", "/node/orphans/:id", {
    params: { id: InstanceId },
    success: HttpApiSchema.NoContent,
    error: problems
  }).annotate(OpenApi.Summary, "End the guest of an orphan and remove what is left of it"),
  HttpApiEndpoint.get("doctor", "/node/doctor", { success: Schema.Array(Check), error: problems })
    .annotate(OpenApi.Summary, "What the node needs, and what mends it"),
  HttpApiEndpoint.get("operation", "/operations/:operation", {
    params: { operation: Schema.NonEmptyString.check(Schema.isMaxLength(64)) },
    success: Operation,
    error: problems
  }).annotate(OpenApi.Summary, "What became of a command that was answered with 202")
)
  .middleware(Problems)
  .middleware(Access)
  .prefix("/v1")
  .annotate(OpenApi.Description, "The node.")
{}
