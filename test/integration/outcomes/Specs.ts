/**
 * The instances of a sequence, but for what differs between the worlds.
 */
import { ByteSize, Duration } from "effect"
import type { BootSource } from "../../../src/domain/Image.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { instances, ownVolume } from "./Act.ts"

/** How long a guest is waited for that does not let go of a volume, for ever. */
export const hotplugDeadline = Duration.seconds(3)

/** What they boot from, in this directory. */
export const image = (directory: string): BootSource => ({
  kind: "image",
  path: `${directory}/boot.raw`,
  format: "raw"
})

/** The second of them has a volume from the beginning. A deaf one need not be waited for. */
export const fields = (id: InstanceId, deaf: boolean) => ({
  id,
  memory: ByteSize.mebibytes(32),
  stopGrace: deaf ? Duration.millis(100) : Duration.seconds(20),
  volumes: id === instances[1] ? [{ id: ownVolume }] : []
})
