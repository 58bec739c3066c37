/**
 * Tells what the node has.
 */
import { Context, type Effect, Schema } from "effect"
import type { NodeSample } from "../domain/NodeSample.ts"

/** What the node has can not be told. Nothing is known of it then; asking again may help. */
export class NodeResourcesError
  extends Schema.TaggedError<NodeResourcesError>()("NodeResourcesError", { message: Schema.String })
{}

/** What the node has. */
export class NodeResources extends Context.Service<NodeResources, {
  /** What it has now. May be interrupted, and changes nothing. */
  readonly sample: Effect.Effect<NodeSample, NodeResourcesError>
}>()("vivarium/NodeResources") {}
