/**
 * `/v1/events`: what happens on the node, as server-sent events.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { InstanceEvent, Position, PositionFromString } from "../domain/InstanceEvent.ts"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { Access, Problems } from "./Access.ts"
import { InstanceRef } from "./InstancesApi.ts"
import { problems } from "./Problem.ts"

/** What a follower is told. */
export const NodeChange = Schema.Union([
  /** All instances, as they are at this position. The first thing told, unless the follower goes on where it was. */
  Schema.TaggedStruct("Snapshot", { ...Position.fields, instances: Schema.Array(InstanceInfo) }),
  /** Something happened. */
  Schema.TaggedStruct("Event", { event: InstanceEvent }),
  /** Nothing happened up to this position that the follower wants to know. Told when it has been quiet. */
  Schema.TaggedStruct("Quiet", Position.fields),
  /**
   * The follower missed events that are held no more: so many, where that is known. A snapshot follows where it had been
   * away; one that was too slow to read is cut off, and may come back.
   */
  Schema.TaggedStruct("Lagged", { missed: Schema.optionalKey(Schema.Natural) })
])

export type NodeChange = typeof NodeChange.Type

/** One server-sent event. Its id is a position; to go on there, it is sent back as `Last-Event-ID`. */
export const NodeEvent = Schema.Struct({
  id: Schema.optional(Schema.String),
  event: Schema.String,
  data: Schema.fromJsonString(NodeChange)
})

export type NodeEvent = typeof NodeEvent.Type

export class EventsApi extends HttpApiGroup.make("events", { topLevel: true }).add(
  HttpApiEndpoint.get("events", "/events", {
    query: {
      /** Of these instances only, by id or name. */
      instance: Schema.optionalKey(Schema.Array(InstanceRef)),
      /** Of instances with all of these labels only: `key=value`, or a key. */
      label: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
    },
    headers: { "last-event-id": Schema.optionalKey(PositionFromString) },
    success: HttpApiSchema.StreamSse({ events: NodeEvent }),
    error: problems
  }).annotateMerge(OpenApi.annotations({
    summary: "Follow what happens",
    description:
      "A snapshot, then everything that follows. `Last-Event-ID: incarnation:sequence` goes on where a follower was."
  }))
)
  .middleware(Problems)
  .middleware(Access)
  .prefix("/v1")
{}
