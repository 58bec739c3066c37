/**
 * Which guests of a simulated host have which volume. Two that write one destroy it.
 */
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import type { Machine } from "./Machine.ts"

interface Holder {
  readonly machine: Machine
  readonly readOnly: boolean
}

export class VolumeHolders {
  readonly #holders = new Map<VolumeId, ReadonlyArray<Holder>>()

  /** The guest because of which another may not have a volume: one of the two would write it. */
  rival({ id, readOnly }: Volume): Machine | undefined {
    return this.#holders.get(id)?.find((holder) => !readOnly || !holder.readOnly)?.machine
  }

  add({ id, readOnly }: Volume, machine: Machine): void {
    this.#holders.set(id, [...this.#holders.get(id) ?? [], { machine, readOnly }])
  }

  remove(id: VolumeId, machine: Machine): void {
    const left = this.#holders.get(id)?.filter((holder) => holder.machine !== machine) ?? []
    if (left.length === 0) this.#holders.delete(id)
    else this.#holders.set(id, left)
  }
}
