/**
 * The daemon, as the commands of `viv` use it.
 */
import { Context, type Effect, type Stream } from "effect"
import type { Socket } from "effect/socket"
import type { NodeChange } from "../api/EventsApi.ts"
import type { SpecText, StartText } from "../api/InstancesApi.ts"
import type { Check, NodeInfo, OrphanInfo, Removal } from "../api/NodeApi.ts"
import type { Position } from "../domain/InstanceEvent.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { NodeStatistics } from "../domain/NodeStatus.ts"
import type { VolumeSpec } from "../domain/Volume.ts"
import type { CliFailure } from "./CliFailure.ts"
import type { Endpoint } from "./Endpoint.ts"

/** Which instances: those that are all of it. */
export interface Filter {
  readonly ids?: ReadonlyArray<string>
  readonly labels?: ReadonlyArray<string>
  readonly states?: ReadonlyArray<string>
  readonly name?: string
  /** What their ids begin with. */
  readonly prefix?: string
}

export type Power = "start" | "stop" | "restart" | "pause" | "resume"

/** A specification as a value or as a text, or a START payload. */
export type Payload = InstanceSpec | typeof SpecText.Type | typeof StartText.Type

export interface CreateOptions {
  /** The daemon deletes it when it ends. */
  readonly autoRemove: boolean
}

type Answer<A> = Effect.Effect<A, CliFailure>

export class Daemon extends Context.Service<Daemon, {
  readonly endpoint: Endpoint
  readonly list: (filter: Filter) => Answer<ReadonlyArray<InstanceInfo>>
  /** By id or name. */
  readonly get: (reference: string) => Answer<InstanceInfo>
  /** Creates an instance and starts it; returns when it runs. Interrupted, it withdraws the start. */
  readonly create: (payload: Payload, options: CreateOptions) => Answer<InstanceInfo>
  readonly power: (id: string, power: Power) => Answer<void>
  readonly remove: (id: string) => Answer<void>
  readonly attach: (id: string, volume: VolumeSpec) => Answer<void>
  readonly detach: (id: string, volume: string) => Answer<void>
  readonly log: (
    id: string,
    options: { readonly follow: boolean; readonly tailBytes: number | undefined }
  ) => Stream.Stream<Uint8Array, CliFailure>
  readonly console: (id: string) => Answer<Socket.Socket>
  readonly changes: (filter: Filter, after: Position | undefined) => Stream.Stream<NodeChange, CliFailure>
  readonly status: Answer<NodeInfo>
  readonly statistics: Answer<NodeStatistics>
  readonly evacuate: Stream.Stream<Removal, CliFailure>
  readonly reset: Stream.Stream<Removal, CliFailure>
  readonly restore: Answer<void>
  readonly orphans: Answer<ReadonlyArray<typeof OrphanInfo.Type>>
  readonly destroyOrphan: (id: string) => Answer<void>
  readonly doctor: Answer<ReadonlyArray<Check>>
  readonly version: Answer<string>
}>()("vivarium/Daemon") {}
