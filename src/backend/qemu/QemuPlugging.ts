/**
 * The volumes of one guest, plugged in and out one at a time, while somebody watches it. A guest that was asked for a volume
 * can not be told to keep it after all: what it lets go of when that is not waited for any more is seen to here.
 */
import { type Duration, Effect, Semaphore } from "effect"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import type { QmpClient } from "../../qmp/QmpClient.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as QemuDevices from "./QemuDevices.ts"
import * as QemuHotplug from "./QemuHotplug.ts"
import type { Blockdev } from "./QemuImage.ts"

export class QemuPlugging {
  readonly #client: QmpClient
  readonly #turn = Semaphore.makeUnsafe(1)
  /**
   * The volumes that the guest may yet let go of, by their devices: what to do then. One whose detachment failed is plugged in
   * again, since everybody was told that the guest has it; one whose attachment was undone is closed.
   */
  readonly #overdue = new Map<string, { readonly volume: VolumeId; readonly act: "plug" | "close" }>()

  constructor(client: QmpClient) {
    this.#client = client
  }

  /** Like `QemuHotplug.attach`. */
  attach(volume: Volume, node: Blockdev): Effect.Effect<void, VirtualizerError> {
    const { id } = volume
    return QemuHotplug.attach(this.#client, volume, node).pipe(
      Effect.onError(() => this.#expect(id, "close")),
      // It may have been there still.
      Effect.tap(() => this.isOverdue(QemuDevices.volumeDeviceId(id)) ? this.#expect(id, "plug") : Effect.void),
      Semaphore.withPermit(this.#turn)
    )
  }

  /** Like `QemuHotplug.detach`. */
  detach(volume: VolumeId, deadline: Duration.Duration): Effect.Effect<void, VirtualizerError> {
    return Effect.suspend(() => {
      // From here on it is waited for.
      this.#overdue.delete(QemuDevices.volumeDeviceId(volume))
      return QemuHotplug.detach(this.#client, volume, deadline)
    }).pipe(
      Effect.onError(() => this.#expect(volume, "plug")),
      Semaphore.withPermit(this.#turn)
    )
  }

  #expect(volume: VolumeId, act: "plug" | "close"): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#overdue.set(QemuDevices.volumeDeviceId(volume), { volume, act })
    })
  }

  /** Whether nobody waits for the guest to let go of this device any more, which it was asked for. */
  isOverdue(device: string): boolean {
    return this.#overdue.has(device)
  }

  /** Sees to a device that is overdue, which the guest let go of. */
  letGo(device: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const overdue = this.#overdue.get(device)
      if (overdue === undefined) return Effect.void
      this.#overdue.delete(device)
      const { act, volume } = overdue
      return act === "plug"
        ? QemuHotplug.plugAgain(this.#client, volume)
        : QemuHotplug.close(this.#client, volume)
    }).pipe(
      Semaphore.withPermit(this.#turn),
      Effect.catch((error) =>
        Effect.logWarning(`${device}, which the guest let go of late, could not be seen to`, error)
      )
    )
  }
}
