/**
 * What an instance boots from, and how far the fetching of it has come.
 */
import { Schema } from "effect"
import { keyedText } from "./KeyedText.ts"
import { DiskFormat, VolumeId } from "./Volume.ts"

/** An absolute path of this host. It is used only once it has been resolved within the configured roots. */
export const HostPath = Schema.String.check(
  Schema.isPattern(/^\/[^\0]*$/, { expected: "an absolute path" }),
  Schema.isMaxLength(4095)
)

/** A host name: letters, digits, `.`, `_` and `-`, at most 64 characters, which is what Linux holds. */
export const Hostname = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, {
    expected:
      "a host name: letters, digits, '.', '_' and '-', at most 64 characters, starting and ending with a letter or digit"
  })
)

const EnvironmentValue = Schema.String.check(Schema.isPattern(/^[^\0]*$/, { expected: "text without a zero byte" }))

/**
 * - `image`: a disk image of this host; the instance gets a copy-on-write overlay of its own and the image is never
 *   written.
 * - `volume`: a bootable volume, which must be one of the spec's volumes.
 * - `kernel`: a Linux kernel, booted directly.
 * - `container`: a container image by reference.
 */
export const BootSource = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("image"),
    path: HostPath,
    format: DiskFormat,
    /** Size of the instance's disk; not below the image's. Default: the image's. */
    size: Schema.optionalKey(Schema.ByteSizeFromString)
  }),
  Schema.Struct({ kind: Schema.Literal("volume"), volume: VolumeId }),
  Schema.Struct({
    kind: Schema.Literal("kernel"),
    kernel: HostPath,
    initrd: Schema.optionalKey(HostPath),
    commandLine: Schema.optionalKey(Schema.String)
  }),
  Schema.Struct({
    kind: Schema.Literal("container"),
    image: Schema.NonEmptyString,
    /** What it runs: a program and its arguments. Default: the image's. */
    command: Schema.optionalKey(Schema.NonEmptyArray(Schema.String)),
    /** Variables of its environment, beside the image's own. */
    environment: Schema.optionalKey(keyedText(EnvironmentValue)),
    /** Default: derived from the instance's id by the engine. */
    hostname: Schema.optionalKey(Hostname)
  })
]).annotate({ expected: "a boot source: a mapping whose kind is image, volume, kernel or container" })

export type BootSource = typeof BootSource.Type

/** Progress of fetching an image. `totalBytes` is absent where the source does not say. */
export interface ImageProgress {
  readonly doneBytes: number
  readonly totalBytes?: number
}
