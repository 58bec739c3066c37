/**
 * Block devices that outlive the instances they are attached to.
 */
import { Schema } from "effect"

/**
 * The id of a volume: lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 64
 * characters. It can not leave a directory: no `/`, and no leading dot.
 */
export const VolumeId = Schema.String.check(
  Schema.isPattern(/^[0-9a-z][0-9a-z._-]{0,63}$/, {
    expected:
      "a volume id: lower-case letters, digits, '.', '_' and '-', starting with a letter or digit, at most 64 characters"
  })
).pipe(Schema.brand("vivarium/VolumeId"))

export type VolumeId = typeof VolumeId.Type

/** What a spec says of a volume: which, and how. */
export const VolumeSpec = Schema.Struct({
  id: VolumeId,
  /** The guest may only read it. Default false. */
  readOnly: Schema.optionalKey(Schema.Boolean)
})

export type VolumeSpec = typeof VolumeSpec.Type

/** How the bytes of a disk image are laid out. It is always given, and never guessed from the bytes. */
export const DiskFormat = Schema.Literals(["raw", "qcow2"])

export type DiskFormat = typeof DiskFormat.Type

/** Where a volume's bytes are. */
export const VolumeSource = Schema.TaggedUnion({
  /** A file of this host: absolute, symbolic links resolved, within the configured roots. */
  File: { path: Schema.String, format: DiskFormat }
})

export type VolumeSource = typeof VolumeSource.Type

/** A volume whose source is known: what a virtualizer attaches. */
export const Volume = Schema.Struct({
  id: VolumeId,
  source: VolumeSource,
  readOnly: Schema.Boolean
})

export type Volume = typeof Volume.Type
