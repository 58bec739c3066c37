/**
 * The volumes that one instance has taken from its node: those that are wanted, and those that its guest has or may have.
 */
import type { InstanceId } from "../domain/InstanceId.ts"
import type { VolumeId } from "../domain/Volume.ts"
import type { Step } from "./Decision.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import { isQuiescent, type Situation } from "./Situation.ts"
import type { VolumeClaims } from "./VolumeClaims.ts"

export class InstanceVolumes {
  private readonly id: InstanceId
  private readonly claims: VolumeClaims
  private taken: ReadonlyArray<VolumeId>
  /** What the step in flight gives the guest, which has it then or not: also what is not wanted any more. */
  private given: ReadonlyArray<VolumeId> = []

  /** What the record says has been taken for the instance already, where it was not another's by then. */
  constructor({ desired, id, leaving }: InstanceRecord, claims: VolumeClaims) {
    this.id = id
    this.claims = claims
    const taken = [...desired.volumes.map((volume) => volume.id), ...leaving]
    this.taken = taken.filter((volume) => claims.take(volume, id) === undefined)
  }

  /** Takes a volume, or says who has it. It is given back when it turns out not to be wanted. */
  take(volume: VolumeId): InstanceId | undefined {
    const holder = this.claims.take(volume, this.id)
    if (holder === undefined) this.taken = [...this.taken, volume]
    return holder
  }

  /** A step begins. */
  begin(step: Step, { record: { desired } }: Situation): void {
    this.given = step._tag === "Attach"
      ? [step.volume.id]
      : step._tag === "Launch"
      ? desired.volumes.map(({ id }) => id)
      : []
  }

  /** The step is over, and what came of it is for the situation to say. */
  end(): void {
    this.given = []
  }

  /** Takes what a situation calls for, and gives back the rest. Returns the situation, with what is leaving noted. */
  settle(situation: Situation): Situation {
    const { observed, record } = situation
    const { desired } = record
    const wanted = desired.power === "deleted" && isQuiescent(observed) ? [] : desired.volumes.map(({ id }) => id)
    const had = observed._tag === "Running" ? observed.volumes : isQuiescent(observed) ? [] : this.taken
    const taken = [...new Set([...wanted, ...had, ...this.given])]
    for (const volume of this.taken) if (!taken.includes(volume)) this.claims.release(volume, this.id)
    for (const volume of taken) this.claims.take(volume, this.id)
    this.taken = taken
    const noted = this.note(record)
    return noted === record ? situation : { observed, record: noted }
  }

  /** The record with what is taken and not wanted, so that a later launcher takes it too. */
  note(record: InstanceRecord): InstanceRecord {
    const leaving = this.taken.filter((id) => !record.desired.volumes.some((volume) => volume.id === id))
    const isNoted = leaving.length === record.leaving.length && leaving.every((id) => record.leaving.includes(id))
    return isNoted ? record : { ...record, leaving }
  }

  /** Gives everything back. */
  release(): void {
    for (const volume of this.taken) this.claims.release(volume, this.id)
    this.taken = []
  }
}
