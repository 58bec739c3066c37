/**
 * The guests that live while a history is read, and the volumes that they have.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { VolumeId, VolumeSpec } from "../../domain/Volume.ts"
import type { Entry } from "../History.ts"

/** A guest that lives. */
export interface LivingGuest {
  readonly pid: number
  readonly volumes: Map<VolumeId, VolumeSpec>
}

export class Guests {
  private readonly living = new Map<InstanceId, Array<LivingGuest>>()

  /** Takes an entry in. */
  look(entry: Entry): void {
    switch (entry._tag) {
      case "Spawned": {
        const volumes = new Map(entry.volumes.map((volume) => [volume.id, volume]))
        this.living.set(entry.id, [...this.of(entry.id), { pid: entry.pid, volumes }])
        return
      }
      case "Ended": {
        const others = this.of(entry.id).filter(({ pid }) => pid !== entry.pid)
        if (others.length === 0) this.living.delete(entry.id)
        else this.living.set(entry.id, others)
        return
      }
      case "Attached":
        for (const { volumes } of this.of(entry.id)) volumes.set(entry.volume.id, entry.volume)
        return
      case "Detached":
        for (const { volumes } of this.of(entry.id)) volumes.delete(entry.volume)
        return
      default:
        return
    }
  }

  /** Those of an instance: one, or none, where all is well. */
  of(id: InstanceId): ReadonlyArray<LivingGuest> {
    return this.living.get(id) ?? []
  }

  /** All instances that have one. */
  get ids(): Iterable<InstanceId> {
    return this.living.keys()
  }
}
