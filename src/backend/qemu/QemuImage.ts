/**
 * Disk images: what they are made of, checked before anything opens them, and how QEMU is told to open just that.
 */
import { ByteSize, Effect, FileSystem, Option, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { DiskFormat } from "../../domain/Volume.ts"
import { fail, ImageUnusable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as HostCommand from "./HostCommand.ts"
import * as HostFiles from "./HostFiles.ts"
import * as HostPaths from "./HostPaths.ts"
import * as HostUser from "./HostUser.ts"
import * as Qcow2Header from "./Qcow2Header.ts"

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

/** How many files an image may be made of, one on top of the other. */
const layersMax = 16

const sectorBytes = 512n

const qemuImg: HostCommand.Tool = { name: "qemu-img", package: "qemu-utils" }

const unusable = (path: string, detail: string) => fail(new ImageUnusable({ path, detail }))

/** The first bytes of a file, enough to hold a qcow2 header. */
const readHeader = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<Qcow2Header.Qcow2Header, VirtualizerError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* Effect.scoped(
    Effect.flatMap(fs.open(path), (file) => file.readAlloc(Qcow2Header.bytesMax))
  ).pipe(
    Effect.mapError((error) =>
      unusable(path, HostFiles.describe({ PermissionDenied: "it may not be read by this process: permit it" })(error))
    )
  )
  return yield* Effect.fromResult(Qcow2Header.parse(Option.getOrElse(bytes, () => new Uint8Array()))).pipe(
    Effect.mapError((detail) => unusable(path, detail))
  )
})

/** The path that the name in a header means: relative to the image it is in. QEMU's other notations are refused. */
const referenced = Effect.fnUntraced(function*(
  image: string,
  kind: "backing" | "data",
  name: string,
  roots: ReadonlyArray<string>
): Effect.fn.Return<string, VirtualizerError, FileSystem.FileSystem | Path.Path> {
  const { dirname, join, isAbsolute } = yield* Path.Path
  // As QEMU tells them apart: whatever has a colon before its first slash is no path.
  if (name === "" || /^[^/]*:/.test(name)) {
    return yield* unusable(
      image,
      `its ${kind} file is ${JSON.stringify(name)}, which is not the path of a file: convert it with ` +
        "qemu-img convert -O qcow2"
    )
  }
  return yield* HostPaths.resolve(isAbsolute(name) ? name : join(dirname(image), name), roots).pipe(
    Effect.mapError((error) =>
      error.reason._tag === "ImageUnusable"
        ? unusable(image, `its ${kind} file ${error.reason.path}: ${error.reason.detail}`)
        : error
    )
  )
})

/**
 * Finds out what an image is made of, by reading the headers of its files and without opening any file outside the
 * roots: the image, its backing files, and their external data files. Runs no process and changes nothing.
 *
 * Fails with `PathRefused` when one of them is outside the roots, and with `ImageUnusable` when one is missing or
 * damaged, is of another format than was said, does not say the format of what backs it, is backed by anything but a
 * raw or qcow2 file, is encrypted, or when the chain is longer than 16 or a circle.
 */
export const inspect = Effect.fn("QemuImage.inspect")(
  function*(
    path: string,
    format: DiskFormat,
    roots: ReadonlyArray<string>
  ): Effect.fn.Return<QemuImage, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    const fs = yield* FileSystem.FileSystem
    const top = yield* HostPaths.resolve(path, roots)
    const layers: Array<Layer> = []
    let virtualSize: ByteSize.ByteSize | undefined
    let next: { readonly path: string; readonly format: DiskFormat } | undefined = { path: top, format }
    while (next !== undefined) {
      const layer: { readonly path: string; readonly format: DiskFormat } = next
      if (layers.some((above) => above.path === layer.path)) {
        return yield* unusable(top, `${layer.path} is behind itself: restore the image, or convert a copy`)
      }
      if (layers.length === layersMax) {
        return yield* unusable(top, `more than ${layersMax} files are behind each other: qemu-img convert makes it one`)
      }
      if (layer.format === "raw") {
        const { size } = yield* fs.stat(layer.path).pipe(
          Effect.mapError((error) => unusable(layer.path, HostFiles.describe({})(error)))
        )
        virtualSize ??= wholeSectors(size)
        layers.push(layer)
        next = undefined
      } else {
        const header = yield* readHeader(layer.path)
        virtualSize ??= wholeSectors(header.virtualSize)
        layers.push(
          header.dataFile === undefined
            ? layer
            : { ...layer, dataFile: yield* referenced(layer.path, "data", header.dataFile, roots) }
        )
        next = yield* behind(layer.path, header, roots)
      }
    }
    const [first, ...rest] = layers
    // The loop runs at least once.
    if (first === undefined || virtualSize === undefined) return yield* Effect.die("an image without a file")
    return { layers: [first, ...rest], virtualSize }
  }
)

/** What QEMU makes of a size that is no whole number of sectors. */
const wholeSectors = (size: ByteSize.ByteSize): ByteSize.ByteSize =>
  ByteSize.bytes((ByteSize.toBigInt(size) + sectorBytes - 1n) / sectorBytes * sectorBytes)

/** The file that a qcow2 image is backed by, and its format. */
const behind = Effect.fnUntraced(function*(
  image: string,
  header: Qcow2Header.Qcow2Header,
  roots: ReadonlyArray<string>
) {
  const { backingFile, backingFormat } = header
  if (backingFile === undefined) return undefined
  if (backingFormat === undefined) {
    return yield* unusable(
      image,
      `it does not say the format of its backing file ${backingFile}: say it with qemu-img rebase -u -b FILE -F FORMAT`
    )
  }
  if (backingFormat !== "raw" && backingFormat !== "qcow2") {
    return yield* unusable(
      image,
      `its backing file ${backingFile} is of format ${backingFormat}, not raw or qcow2: convert it with qemu-img convert`
    )
  }
  return { path: yield* referenced(image, "backing", backingFile, roots), format: backingFormat } as const
})

/** One layer alone, as QEMU is told to open it. */
const layerOptions = ({ path, format, dataFile }: Layer): Blockdev => ({
  driver: format,
  file: { driver: "file", filename: path },
  ...(dataFile === undefined ? {} : { "data-file": { driver: "file", filename: dataFile } })
})

/**
 * Has `qemu-img check` look through the tables of each qcow2 file of an inspected image: fails with `ImageUnusable`
 * when one is damaged, cut short, or being written by another process, and with `HostFailure` without qemu-img.
 * Takes milliseconds for each 100 GiB. Interruptible; changes nothing.
 */
export const verify = Effect.fn("QemuImage.verify")(
  function*(image: QemuImage): Effect.fn.Return<void, VirtualizerError, ChildProcessSpawner.ChildProcessSpawner> {
    for (const layer of image.layers) {
      if (layer.format === "raw") continue
      const outcome = yield* HostCommand.run(qemuImg, [
        "check",
        "-q",
        `json:${JSON.stringify({ ...layerOptions(layer), backing: null })}`
      ])
      // 3: clusters that nothing refers to, which waste space and do no harm.
      if (outcome.code === 0 || outcome.code === 3) continue
      const detail = outcome.code === 2
        ? "it is damaged or cut short: fetch or restore it, or try qemu-img check -r all on a copy"
        : outcome.stderr.includes("lock")
        ? "another process is writing it: end that guest or tool first"
        : `${HostCommand.complaint(qemuImg, outcome)}: fetch or restore it`
      return yield* unusable(layer.path, detail)
    }
  }
)

/**
 * Makes `target` a qcow2 overlay on an inspected image, of `size` or else the image's, that the guests' user alone can
 * open (0600). A file that is there is replaced. Interruption or failure leave nothing, and what was there as it was.
 * The base is not opened. Only who may be trusted may write to the target's directory.
 *
 * Fails with `ImageUnusable` when `size` is below the image's, `NoSpace`, or `HostFailure`.
 */
export const createOverlay = Effect.fn("QemuImage.createOverlay")(
  function*(options: {
    readonly base: QemuImage
    readonly target: string
    readonly size?: ByteSize.ByteSize | undefined
    readonly user: HostUser.HostUser
  }): Effect.fn.Return<
    void,
    VirtualizerError,
    FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
  > {
    const { base, target, user } = options
    const [layer] = base.layers
    const size = options.size ?? base.virtualSize
    if (ByteSize.isLessThan(size, base.virtualSize)) {
      return yield* unusable(
        layer.path,
        `its disk has ${base.virtualSize} bytes, and ${size} were asked for: ask for as many, or for none`
      )
    }
    yield* HostFiles.produce(target, (temporary) =>
      Effect.gen(function*() {
        const outcome = yield* HostCommand.run(qemuImg, [
          "create",
          "-q",
          // The base has been inspected: qemu-img need not open it, and whatever is behind it.
          "-u",
          "-f",
          "qcow2",
          "-b",
          layer.path,
          "-F",
          layer.format,
          temporary,
          wholeSectors(size).toString()
        ])
        if (outcome.code !== 0) return yield* HostCommand.writeFailure(target, qemuImg, outcome)
        yield* HostUser.give(user, temporary, 0o600)
      }))
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
): Blockdev => {
  const [top, ...rest] = image.layers
  const backing = rest.reduceRight<Blockdev | null>(
    (behind, layer) => ({ ...layerOptions(layer), "read-only": true, ...backingOption(layer, behind) }),
    null
  )
  return {
    ...layerOptions(top),
    "node-name": options.nodeName,
    "read-only": options.readOnly,
    // A guest that frees blocks gives the space back to the host.
    ...(options.readOnly ? {} : { discard: "unmap" }),
    ...backingOption(top, backing)
  }
}

/** `null` says that there is none, whatever the header says. Raw images have no such option. */
const backingOption = (layer: Layer, backing: Blockdev | null): { readonly backing?: Blockdev | null } =>
  layer.format === "qcow2" ? { backing } : {}
