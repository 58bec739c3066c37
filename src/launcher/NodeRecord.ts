/**
 * What a launcher keeps on disk of its node.
 */
import { Schema } from "effect"
import { NodeTask } from "../domain/NodeStatus.ts"

export const NodeRecord = Schema.Struct({
  version: Schema.Literal(1),
  /** Whether the node takes no instances. */
  maintenance: Schema.Boolean,
  /** What is under way, and to be gone on with by the next launcher. */
  task: Schema.NullOr(NodeTask)
})

export type NodeRecord = typeof NodeRecord.Type

/** A node that nothing was said of. */
export const inService: NodeRecord = { version: 1, maintenance: false, task: null }

/** A node whose record can not be read: it may be in maintenance. Somebody is to look at it before it takes an instance. */
export const inDoubt: NodeRecord = { version: 1, maintenance: true, task: null }
