/** Specs for property tests. */
import { Arbitrary, Schema } from "effect"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import { VolumeSpec } from "../../src/domain/Volume.ts"

const { boot, volumes, ...others } = InstanceSpec.fields

/** Any spec; half of them boot from one of their volumes. */
export const specs: Arbitrary.Arbitrary<InstanceSpec> = Arbitrary.all({
  spec: Arbitrary.schema(Schema.Struct(others)),
  boot: Arbitrary.schema(boot),
  volumes: Arbitrary.schema(volumes),
  own: Arbitrary.schema(VolumeSpec),
  fromVolume: Arbitrary.schema(Schema.Boolean)
}).pipe(Arbitrary.map(({ boot, fromVolume, own, spec, volumes }) => {
  const first = volumes[0] ?? own
  return InstanceSpec.make({
    ...spec,
    boot: fromVolume || boot.kind === "volume" ? { kind: "volume", volume: first.id } : boot,
    volumes: fromVolume || boot.kind === "volume" ? [first, ...volumes.slice(1)] : volumes
  })
}))
