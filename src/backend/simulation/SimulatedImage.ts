/**
 * The files of a simulated guest: what it boots from, and what is made for it.
 */
import { ByteSize, Effect, Hash, Option } from "effect"
import type { BootSource } from "../../domain/Image.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { BootConfig } from "../../Virtualizer.ts"
import { fail, HostFailure, ImageUnusable, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"
import { lag, late, operation, type Reach, whole } from "./Reach.ts"

const imageUnitBytes = 64 * 1024 * 1024

/** A file that does not exist. */
export const notThere = (path: string): VirtualizerError =>
  fail(new ImageUnusable({ path, detail: "it does not exist: put it there" }))

/** Where a boot source is, as far as messages say so. */
export const sourceOf = (boot: BootSource): string => {
  switch (boot.kind) {
    case "image":
      return boot.path
    case "kernel":
      return boot.kernel
    case "container":
      return boot.image
    case "volume":
      return boot.volume
  }
}

/** How large an image is: up to 4 GiB, and the same for the same image. */
export const imageBytes = (boot: BootSource): number => (1 + (Hash.string(sourceOf(boot)) >>> 0) % 64) * imageUnitBytes

/** The size of a guest's own disk. Nothing where it has none. */
export const diskBytes = ({ boot }: InstanceSpec): number | undefined =>
  boot.kind === "volume" || boot.kind === "kernel"
    ? undefined
    : boot.kind === "container"
    ? imageBytes(boot)
    : Option.getOrUndefined(ByteSize.toNumber(boot.size ?? ByteSize.bytes(imageBytes(boot))))

/** Makes a guest's disk and seed, and looks whether its volumes are there. A disk that is there is kept. */
export const create = (
  reach: Reach,
  { boot, cloudInit, id }: InstanceSpec,
  directory: string,
  { volumes }: BootConfig
): Effect.Effect<void, VirtualizerError> => {
  const { fence, host } = reach
  const make = fence.actEffect((): Effect.Effect<void, VirtualizerError> => {
    const place = host.place(id)
    place?.sweep()
    if (place?.image !== "whole") {
      host.tidy(id)
      return Effect.fail(
        fail(new ImageUnusable({ path: sourceOf(boot), detail: "it was not fetched: ensure the backing image first" }))
      )
    }
    const missing = volumes.map(({ source }) => source.path).find((path) => host.missing.has(path))
    if (missing !== undefined) return Effect.fail(notThere(missing))
    const had = { disk: place.disk, hasSeed: place.hasSeed }
    const isFull = host.strikes("diskFull", id)
    return whole(reach, id, {
      begin: () => {
        if (place.disk === "absent") place.disk = "partial"
      },
      work: Effect.andThen(
        lag(reach, "create"),
        isFull ? Effect.fail(fail(new NoSpace({ path: `${directory}/disk` }))) : Effect.void
      ),
      commit: () => {
        place.disk = "whole"
        place.hasSeed = cloudInit !== undefined
        if (had.disk === "absent") host.conditions.tell({ _tag: "DiskCreated", id })
      },
      rollBack: () => {
        place.disk = had.disk
        place.hasSeed = had.hasSeed
      }
    })
  })
  return operation(reach, id, "createImage", make)
}

/** Removes all that is there of an instance but a guest, under which it should not be called. */
export const remove = (reach: Reach, id: InstanceId): Effect.Effect<void, VirtualizerError> => {
  const { fence, host } = reach
  const clear = () => {
    const place = host.place(id)
    if (place === undefined) return
    if (place.machine !== undefined) host.conditions.violate(`the disk of ${id} was deleted under its guest`)
    place.clear()
    host.tidy(id)
    host.conditions.tell({ _tag: "ImageDeleted", id })
  }
  const act = fence.actEffect(() =>
    host.strikes("failingDelete", id)
      ? Effect.fail(fail(new HostFailure({ detail: `the files of ${id} could not be removed: try again` })))
      : Effect.sync(clear)
  )
  return operation(reach, id, "deleteImage", late(reach, id, "delete", act, clear))
}
