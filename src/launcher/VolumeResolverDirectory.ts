/**
 * Volumes that are files of one directory: `ID.raw` or `ID.qcow2`. The ending says the format; the bytes are not asked.
 */
import { Effect, FileSystem, Layer, Path } from "effect"
import { DiskFormat, type VolumeSpec } from "../domain/Volume.ts"
import { VolumeResolver, VolumeUnresolved } from "./VolumeResolver.ts"

/** Resolves volumes to the files of `directory`. */
export const make = Effect.fn("VolumeResolverDirectory.make")(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path

  const resolve = Effect.fn("VolumeResolver.resolve")(function*({ id, readOnly }: VolumeSpec) {
    const candidates = DiskFormat.literals.map((format) => ({ format, path: join(directory, `${id}.${format}`) }))
    const found = yield* Effect.filter(candidates, ({ path }) => fs.exists(path)).pipe(
      Effect.mapError((error) => new VolumeUnresolved({ volume: id, detail: error.message }))
    )
    const [source, ...others] = found
    if (source === undefined) {
      return yield* new VolumeUnresolved({
        volume: id,
        detail: `there is no ${candidates.map(({ path }) => path).join(" and no ")}: put the volume there first`
      })
    }
    if (others.length > 0) {
      return yield* new VolumeUnresolved({
        volume: id,
        detail: `there are ${found.map(({ path }) => path).join(" and ")}: remove the one that is not meant`
      })
    }
    return { id, readOnly: readOnly ?? false, source: { _tag: "File" as const, ...source } }
  })

  return VolumeResolver.of({ resolve })
})

/** Resolves volumes to the files of `directory`, which the state directory's `volumes` is meant for. */
export const layer = (
  directory: string
): Layer.Layer<VolumeResolver, never, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(VolumeResolver, make(directory))
