/**
 * What a launcher keeps on disk of an instance: what is wanted, and what a later launcher can not find out by looking.
 */
import { Effect, Schema } from "effect"
import { ExitStatus } from "../domain/ExitStatus.ts"
import { InstanceId } from "../domain/InstanceId.ts"
import { InstanceSpec } from "../domain/InstanceSpec.ts"
import { Phase } from "../domain/Phase.ts"
import { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import { FailureCode } from "./LauncherError.ts"

/** What is wanted of an instance. */
export const Desired = Schema.Struct({
  power: Schema.Literals(["running", "paused", "stopped", "deleted"]),
  /** Counts the starts. A guest belongs to the start it was launched for, which tells "start again" from "still running". */
  epoch: Schema.Int,
  /** The volumes it shall have. */
  volumes: Schema.Array(VolumeSpec),
  /** How often in a row its restart policy asked for it. 0 for what a caller asked for. */
  restarts: Schema.Int,
  /** When it may be launched. 0 for at once. */
  notBeforeMillis: Schema.Int
})

export type Desired = typeof Desired.Type

/** How a start ended. */
export const Outcome = Schema.Union([
  /** The guest ended because it was asked to. */
  Schema.TaggedStruct("Stopped", { status: ExitStatus }),
  /** The guest ended without having been asked to. */
  Schema.TaggedStruct("Exited", { status: ExitStatus }),
  /** A step of the start failed. */
  Schema.TaggedStruct("Failed", { phase: Phase, code: FailureCode, detail: Schema.String })
])

export type Outcome = typeof Outcome.Type

/** The record of one instance. */
export const InstanceRecord = Schema.Struct({
  version: Schema.Literal(1),
  id: InstanceId,
  /** Counts the writes. A store refuses one that does not follow the last, so that a stale writer is found out. */
  revision: Schema.Int,
  spec: InstanceSpec,
  /** Whether somebody wants it to be there even when its first start fails. */
  created: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
  desired: Desired,
  /** Volumes that are not wanted, and that the guest may still have: until it has let go, no other may have them. */
  leaving: Schema.Array(VolumeId).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  /** The start that a guest was last launched for, written before the launch. 0 before the first. */
  boot: Schema.Int,
  /**
   * When the guest of that boot connected, by this node's clock; null if it never has. Until it has, a silent guest is
   * hopeless; from then on, unknown.
   */
  connectedMillis: Schema.NullOr(Schema.Int),
  /** How the latest start that is over ended. */
  ended: Schema.NullOr(Schema.Struct({ epoch: Schema.Int, outcome: Outcome }))
})

export type InstanceRecord = typeof InstanceRecord.Type

/** The record of an instance that nothing has been done for yet. */
export const initial = (spec: InstanceSpec): InstanceRecord => ({
  version: 1,
  id: spec.id,
  revision: 0,
  spec,
  created: false,
  desired: { power: "stopped", epoch: 0, volumes: spec.volumes, restarts: 0, notBeforeMillis: 0 },
  leaving: [],
  boot: 0,
  connectedMillis: null,
  ended: null
})

/** Whether the guest of its latest boot ever connected. */
export const hasConnected = (record: InstanceRecord): record is InstanceRecord & { readonly connectedMillis: number } =>
  record.connectedMillis !== null

/** Whether its first start has not come to the launch. Such an instance is undone when that fails. */
export const isProvisional = ({ boot, created, desired }: InstanceRecord): boolean =>
  boot === 0 && desired.epoch <= 1 && !created
