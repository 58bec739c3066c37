/**
 * What a qcow2 image says of itself: the few fields that tell which other files it is made of.
 * https://www.qemu.org/docs/master/interop/qcow2.html
 */
import { ByteSize, Option, Result } from "effect"

/** The fields of a header. */
export interface Qcow2Header {
  /** The disk's size as a guest sees it. */
  readonly virtualSize: ByteSize.ByteSize
  /** The name of the file behind it, as it was written: relative to the image, absolute, or some other thing. */
  readonly backingFile: string | undefined
  readonly backingFormat: string | undefined
  /** The name of the external data file; `""` when there is one whose name the header leaves out. */
  readonly dataFile: string | undefined
}

/** How much of a file holds its header, at most: the first cluster. */
export const bytesMax = 2 * 1024 * 1024

/** How much of a file {@link virtualSize} needs. */
export const virtualSizeEnd = 32

const magic = 0x514649fb
const corruptBit = 1n << 1n
const externalDataBit = 1n << 2n
const backingFormatExtension = 0xe2792aca
const dataFileExtension = 0x44415441

/** The disk's size alone, from the first bytes of a file; nothing when they are no qcow2 image's. */
export const virtualSize = (bytes: Uint8Array): Option.Option<ByteSize.ByteSize> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return bytes.length >= virtualSizeEnd && view.getUint32(0) === magic
    ? Option.some(ByteSize.bytes(view.getBigUint64(24)))
    : Option.none()
}

/** The header extensions, by type. They end with type 0, or where the backing file's name or the cluster begins. */
const extensions = (view: DataView, bytes: Uint8Array, start: number, end: number) => {
  const found = new Map<number, Uint8Array>()
  let offset = start
  while (offset + 8 <= end) {
    const type = view.getUint32(offset)
    const length = view.getUint32(offset + 4)
    if (type === 0) return found
    if (offset + 8 + length > end) return undefined
    found.set(type, bytes.subarray(offset + 8, offset + 8 + length))
    offset += 8 + Math.ceil(length / 8) * 8
  }
  return found
}

/**
 * Reads a header from the first bytes of a file, at least its first cluster or all of it. Fails with what is wrong
 * with the image and what to do about it. Looks at nothing else, so an image that passes may still be damaged.
 */
export const parse = (bytes: Uint8Array): Result.Result<Qcow2Header, string> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint32(0) !== magic) {
    return Result.fail("it is not a qcow2 image: correct its format, or convert it with qemu-img convert -O qcow2")
  }
  const truncated = Result.fail("its qcow2 header is damaged or cut short: fetch it again")
  if (bytes.length < 72) return truncated
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) {
    return Result.fail(`it is of qcow2 version ${version}, not 2 or 3: convert it with qemu-img convert -O qcow2`)
  }
  if (version === 3 && bytes.length < 104) return truncated
  const backingOffset = view.getBigUint64(8)
  const backingLength = view.getUint32(16)
  const clusterBits = view.getUint32(20)
  const features = version === 3 ? view.getBigUint64(72) : 0n
  const headerLength = version === 3 ? view.getUint32(100) : 72
  if (clusterBits < 9 || clusterBits > 21) return truncated
  const end = Math.min(2 ** clusterBits, bytes.length)
  if (headerLength < 72 || headerLength > end || backingOffset + BigInt(backingLength) > BigInt(end)) return truncated
  if (view.getUint32(32) !== 0) {
    return Result.fail("it is encrypted, which is not supported: convert it with qemu-img convert -O qcow2")
  }
  if ((features & corruptBit) !== 0n) {
    return Result.fail("it is marked as corrupt: repair it with qemu-img check -r all, or restore it")
  }
  const backing = Number(backingOffset)
  const found = extensions(view, bytes, headerLength, backing === 0 ? end : backing)
  if (found === undefined) return truncated
  const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes)
  return Result.succeed({
    virtualSize: ByteSize.bytes(view.getBigUint64(24)),
    backingFile: backing === 0 || backingLength === 0
      ? undefined
      : text(bytes.subarray(backing, backing + backingLength)),
    backingFormat: text(found.get(backingFormatExtension)),
    dataFile: (features & externalDataBit) === 0n ? undefined : text(found.get(dataFileExtension)) ?? ""
  })
}
