/**
 * One instance as others are shown it, and the telling of what is new about it.
 */
import { Schema } from "effect"
import type { Change } from "../domain/InstanceEvent.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { InstanceState } from "../domain/InstanceState.ts"
import { VolumeSpec } from "../domain/Volume.ts"
import type { Step } from "./Decision.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import { project } from "./Projection.ts"
import type { Situation } from "./Situation.ts"
import type { Telemetry } from "./Telemetry.ts"

export class Publication {
  /** As it was shown last. Nobody is told of it before it is on record. */
  info: InstanceInfo | undefined = undefined

  /** As an instance is shown: as it is going to be, where nobody was told of it yet. */
  show({ desired, spec }: InstanceRecord): InstanceInfo {
    return this.info ?? { spec, state: { _tag: "Pending" }, volumes: desired.volumes, starts: desired.epoch }
  }

  /** Tells, by `publish`, what is new about an instance that is about to take a step. */
  tell({ observed, record }: Situation, step: Step, telemetry: Telemetry, publish: (change: Change) => void): void {
    const { info: before } = this
    const { desired: { epoch: starts, volumes }, spec } = record
    const state = project({ observed, record }, step, before?.state)
    const hasVolumes = before !== undefined && isEqualVolumes(volumes, before.volumes)
    const isSo = before !== undefined && starts === before.starts && isEqualState(state, before.state)
    if (hasVolumes && isSo) return
    const instance = this.info = { spec, state, volumes, starts }
    telemetry.moved(before?.state._tag, state._tag)
    if (before === undefined) return publish({ _tag: "Added", instance })
    if (!hasVolumes) publish({ _tag: "VolumesChanged", volumes })
    if (!isSo) publish({ _tag: "StateChanged", state, starts })
  }
}

const isEqualStates = Schema.toEquivalence(InstanceState)

const isEqualState = (a: InstanceState, b: InstanceState): boolean =>
  a === b || (a._tag === b._tag && isEqualStates(a, b))

const isEqualVolumeList = Schema.toEquivalence(Schema.Array(VolumeSpec))

const isEqualVolumes = (a: ReadonlyArray<VolumeSpec>, b: ReadonlyArray<VolumeSpec>): boolean =>
  a === b || isEqualVolumeList(a, b)
