/**
 * A node that has what it is said to have, for tests and for launchers whose guests take nothing from this machine.
 */
import { Effect, Layer } from "effect"
import type { NodeSample } from "../domain/NodeSample.ts"
import { NodeResources, type NodeResourcesError } from "./NodeResources.ts"

/** A node that always has the same, or what an effect answers each time. */
export const make = (sample: NodeSample | Effect.Effect<NodeSample, NodeResourcesError>): NodeResources["Service"] => ({
  sample: Effect.isEffect(sample) ? sample : Effect.succeed(sample)
})

/** Like {@link make}, as a layer. */
export const layer = (
  sample: NodeSample | Effect.Effect<NodeSample, NodeResourcesError>
): Layer.Layer<NodeResources> => Layer.succeed(NodeResources, make(sample))
