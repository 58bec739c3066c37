/**
 * Which instance of this node has which volume. Two guests that write one volume destroy it.
 */
import type { InstanceId } from "../domain/InstanceId.ts"
import type { VolumeId } from "../domain/Volume.ts"

export class VolumeClaims {
  private readonly holders = new Map<VolumeId, InstanceId>()

  /** Takes a volume for an instance, or says who has it. */
  take(volume: VolumeId, id: InstanceId): InstanceId | undefined {
    const holder = this.holders.get(volume)
    if (holder !== undefined && holder !== id) return holder
    this.holders.set(volume, id)
    return undefined
  }

  /** Gives a volume back, if the instance has it. */
  release(volume: VolumeId, id: InstanceId): void {
    if (this.holders.get(volume) === id) this.holders.delete(volume)
  }
}
