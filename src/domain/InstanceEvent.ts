/**
 * What happened to the instances of a node, in order.
 */
import { Schema } from "effect"
import { InstanceId } from "./InstanceId.ts"
import { InstanceState } from "./InstanceState.ts"

/** What an event says. */
export const Change = Schema.Union([
  /** The instance's state is now this. */
  Schema.TaggedStruct("StateChanged", { state: InstanceState }),
  /** The guest rebooted; the instance goes on. */
  Schema.TaggedStruct("Rebooted", {}),
  /** The instance is gone, and nothing of it is left. */
  Schema.TaggedStruct("Deleted", {})
])

export type Change = typeof Change.Type

/**
 * One event. `incarnation` numbers the launchers of a state directory, durably; `sequence` the events of one
 * incarnation, from 1, without gaps.
 */
export const InstanceEvent = Schema.Struct({
  incarnation: Schema.Int,
  sequence: Schema.Int,
  atMillis: Schema.Int,
  id: InstanceId,
  change: Change
})

export type InstanceEvent = typeof InstanceEvent.Type
