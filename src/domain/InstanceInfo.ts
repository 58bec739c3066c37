/**
 * An instance, as its node shows it.
 */
import { Schema } from "effect"
import { InstanceSpec } from "./InstanceSpec.ts"
import { InstanceState } from "./InstanceState.ts"
import { VolumeSpec } from "./Volume.ts"

export const InstanceInfo = Schema.Struct({
  /** What was asked for when it was started first. */
  spec: InstanceSpec,
  state: InstanceState,
  /** The volumes it has, or shall have at its next start. */
  volumes: Schema.Array(VolumeSpec),
  /** How often it was started. */
  starts: Schema.Int
})

export type InstanceInfo = typeof InstanceInfo.Type
