/**
 * Finds where a volume's bytes are.
 */
import { Context, type Effect, Schema } from "effect"
import { type Volume, VolumeId, type VolumeSpec } from "../domain/Volume.ts"

/** No source of a volume could be found, or more than one. */
export class VolumeUnresolved extends Schema.TaggedError<VolumeUnresolved>()("VolumeUnresolved", {
  volume: VolumeId,
  detail: Schema.String
}) {
  override get message(): string {
    return `volume ${this.volume}: ${this.detail}`
  }
}

/** Turns the id of a volume into its source. */
export class VolumeResolver extends Context.Service<VolumeResolver, {
  /** May be interrupted, and changes nothing. */
  readonly resolve: (volume: VolumeSpec) => Effect.Effect<Volume, VolumeUnresolved>
}>()("vivarium/VolumeResolver") {}
