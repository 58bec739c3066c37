/**
 * No guest has a volume that another can write.
 *
 * Excused is a guest whose record was set aside: no launcher knows any more what it has.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { VolumeSpec } from "../../domain/Volume.ts"
import { type Checker, make } from "../Checker.ts"
import { Guests } from "./Guests.ts"

export const exclusiveVolumes: Checker = make("a writable volume in one guest only", (complain) => {
  const guests = new Guests()
  const aside = new Set<InstanceId>()

  const given = (id: InstanceId, { id: volume, readOnly = false }: VolumeSpec): void => {
    for (const other of guests.ids) {
      if (other === id || aside.has(other)) continue
      for (const { pid, volumes } of guests.of(other)) {
        const held = volumes.get(volume)
        if (held !== undefined && !(readOnly && held.readOnly === true)) {
          complain(`${volume} is given to ${id} while guest ${pid} of ${other} has it`)
        }
      }
    }
  }

  return (entry) => {
    guests.look(entry)
    switch (entry._tag) {
      case "Spawned":
        for (const volume of entry.volumes) given(entry.id, volume)
        return
      case "Attached":
        return given(entry.id, entry.volume)
      case "Ended":
        if (guests.of(entry.id).length === 0) aside.delete(entry.id)
        return
      case "SetAside":
        aside.add(entry.id)
        return
      case "Recorded":
        // It is adopted.
        if (entry.record.revision === 1 && entry.record.boot > 0) aside.delete(entry.id)
        return
      default:
        return
    }
  }
})
