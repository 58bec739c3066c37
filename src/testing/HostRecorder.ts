/**
 * Writes down what happens on a simulated host and its disk, in the words of a history.
 */
import type { HostOccurrence } from "../backend/simulation/HostOccurrence.ts"
import type { SimulatedHost } from "../backend/simulation/SimulatedHost.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import type { Recorder } from "./Recorder.ts"
import type { SimulatedDisk } from "./SimulatedDisk.ts"

/** Notes what happens there from now on. The disk says how a guest has its volumes. */
export const record = (host: SimulatedHost, disk: SimulatedDisk, recorder: Recorder): void => {
  /** Guests whose records were set aside. */
  const orphans = new Set<number>()
  const guestOf = (id: InstanceId) => host.guests.find((guest) => guest.id === id)
  const specOf = (id: InstanceId, volume: VolumeId): VolumeSpec =>
    disk.record(id)?.desired.volumes.find((one) => one.id === volume) ?? { id: volume }
  const note = (occurrence: HostOccurrence): void => {
    switch (occurrence._tag) {
      case "Struck": {
        const { fault, id } = occurrence
        return recorder.note({ _tag: "Struck", fault, ...(id === undefined ? {} : { id }) })
      }
      case "Violation": {
        const { detail, rival } = occurrence
        // What a guest has whose record was set aside, no launcher can know. The host refuses to give it away.
        const holder = rival === undefined ? undefined : guestOf(rival)
        return holder !== undefined && orphans.has(holder.pid)
          ? recorder.line(`refused: ${detail}`) :
          recorder.note({ _tag: "Violated", detail })
      }
      case "Spawned": {
        const { id, pid } = occurrence
        const volumes = guestOf(id)?.volumes ?? []
        return recorder.note({ _tag: "Spawned", id, pid, volumes: volumes.map((volume) => specOf(id, volume)) })
      }
      case "Ended":
        return recorder.note({ _tag: "Ended", id: occurrence.id, pid: occurrence.pid })
      case "Attached": {
        const { id, volume } = occurrence
        return recorder.note({ _tag: "Attached", id, volume: specOf(id, volume) })
      }
      case "Detached":
        return recorder.note({ _tag: "Detached", id: occurrence.id, volume: occurrence.volume })
      default:
        return recorder.line(`${occurrence.id}: ${occurrence._tag}`)
    }
  }
  host.observe(note)
  disk.observe((occurrence) => {
    const guest = occurrence._tag === "SetAside" ? guestOf(occurrence.id) : undefined
    if (guest !== undefined) orphans.add(guest.pid)
    recorder.note(occurrence)
  })
}
