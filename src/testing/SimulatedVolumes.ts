/**
 * The volumes of a simulated node: every id is one, but for those that are missing.
 */
import { Effect } from "effect"
import type { VolumeId } from "../domain/Volume.ts"
import { VolumeResolver, VolumeUnresolved } from "../launcher/VolumeResolver.ts"

export class SimulatedVolumes {
  /** Those that can not be found. Whoever holds this may change it. */
  readonly missing = new Set<VolumeId>()

  /** Where the volumes are. */
  readonly resolver: VolumeResolver["Service"] = VolumeResolver.of({
    resolve: ({ id, readOnly = false }) =>
      Effect.suspend(() =>
        this.missing.has(id)
          ? Effect.fail(new VolumeUnresolved({ volume: id, detail: "it is not there: make it first" }))
          : Effect.succeed({
            id,
            readOnly,
            source: { _tag: "File", path: `/simulated/volumes/${id}.raw`, format: "raw" }
          })
      )
  })
}
