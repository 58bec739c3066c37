/**
 * Disk images: what they are made of, checked before anything opens them, and how QEMU is told to open just that.
 */
import { type ByteSize, Effect, type FileSystem, type Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { DiskFormat } from "../../domain/Volume.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"

/** One file of a chain. Its format is what the spec or the file above it says; it is never guessed from the bytes. */
export interface Layer {
  /** Resolved, within the roots. */
  readonly path: string
  readonly format: DiskFormat
  /** The external data file of a qcow2 image, resolved, within the roots. */
  readonly dataFile?: string
}

/** An image as it was inspected. */
export interface QemuImage {
  /** The image itself, then what backs it, down to the last. */
  readonly layers: readonly [Layer, ...ReadonlyArray<Layer>]
  /** The disk's size as a guest sees it. */
  readonly virtualSize: ByteSize.ByteSize
}

/**
 * Finds out what an image is made of, by reading the headers of its files and without opening any file outside the
 * roots: the image, its backing files, and their external data files. Runs no process and changes nothing.
 *
 * Fails with `PathRefused` when one of them is outside the roots, and with `ImageUnusable` when one is missing or
 * damaged, is of another format than was said, does not say the format of what backs it, is backed by anything but a
 * file, is encrypted, or when the chain is longer than 16 or a circle.
 */
export const inspect = Effect.fn("QemuImage.inspect")(
  function*(
    path: string,
    format: DiskFormat,
    roots: ReadonlyArray<string>
  ): Effect.fn.Return<QemuImage, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    return yield* Effect.die([path, format, roots])
  }
)

/**
 * Has `qemu-img check` look through the tables of each qcow2 file of an inspected image: fails with `ImageUnusable`
 * when one is damaged, truncated, or being written by another process, and with `HostFailure` without qemu-img.
 * Takes milliseconds for each 100 GiB. Interruptible; changes nothing.
 */
export const verify = Effect.fn("QemuImage.verify")(
  function*(
    image: QemuImage
  ): Effect.fn.Return<void, VirtualizerError, ChildProcessSpawner.ChildProcessSpawner> {
    return yield* Effect.die(image)
  }
)

/**
 * Makes `target` a qcow2 overlay on an inspected image, of `size` or else the image's. A file that is there is replaced.
 * Interruption or failure leave nothing, and what was there as it was.
 *
 * Fails with `ImageUnusable` when `size` is below the image's, `NoSpace`, or `HostFailure`.
 */
export const createOverlay = Effect.fn("QemuImage.createOverlay")(
  function*(options: {
    readonly base: QemuImage
    readonly target: string
    readonly size?: ByteSize.ByteSize | undefined
  }): Effect.fn.Return<
    void,
    VirtualizerError,
    FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
  > {
    return yield* Effect.die(options)
  }
)

/** The argument of `blockdev-add`, and as JSON of `-blockdev` (QEMU QMP reference, BlockdevOptions). */
export interface Blockdev {
  readonly driver: string
  readonly [option: string]: string | boolean | null | Blockdev
}

/**
 * How QEMU is told to open an inspected image: with every file and format of the chain given, so that it opens what was
 * checked, whatever the headers say by then. Only the topmost node is named, by `nodeName` (at most 31 bytes: QEMU's
 * limit); `blockdev-del` of it removes the others.
 */
export const blockdev = (
  image: QemuImage,
  options: { readonly nodeName: string; readonly readOnly: boolean }
): Blockdev => ({ driver: image.layers[0].format, "node-name": options.nodeName, "read-only": options.readOnly })
