import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Qcow2Header from "../../../src/backend/qemu/Qcow2Header.ts"

interface Fields {
  readonly version?: number
  readonly size?: bigint
  readonly clusterBits?: number
  readonly encryption?: number
  readonly features?: bigint
  readonly backing?: string
  readonly extensions?: ReadonlyArray<readonly [type: number, content: string]>
}

const backingFormat = 0xe2792aca
const dataFile = 0x44415441
const unknown = 0x12345678

/** An image's first cluster. */
const header = (fields: Fields): Uint8Array => {
  const { version = 3, size = 1024n, clusterBits = 16, encryption = 0, features = 0n, backing, extensions = [] } =
    fields
  const bytes = new Uint8Array(2 ** Math.min(clusterBits, 16))
  const view = new DataView(bytes.buffer)
  const encoder = new TextEncoder()
  view.setUint32(0, 0x514649fb)
  view.setUint32(4, version)
  view.setUint32(20, clusterBits)
  view.setBigUint64(24, size)
  view.setUint32(32, encryption)
  if (version > 2) {
    view.setBigUint64(72, features)
    view.setUint32(100, 104)
  }
  let offset = version > 2 ? 104 : 72
  for (const [type, content] of extensions) {
    const encoded = encoder.encode(content)
    view.setUint32(offset, type)
    view.setUint32(offset + 4, encoded.length)
    bytes.set(encoded, offset + 8)
    offset += 8 + Math.ceil(encoded.length / 8) * 8
  }
  if (backing !== undefined) {
    const encoded = encoder.encode(backing)
    view.setBigUint64(8, BigInt(offset + 8))
    view.setUint32(16, encoded.length)
    bytes.set(encoded, offset + 8)
  }
  return bytes
}

const plain = { virtualSize: 1024n, backingFile: undefined, backingFormat: undefined, dataFile: undefined }

const parsed = (bytes: Uint8Array): unknown => Result.getOrThrow(Qcow2Header.parse(bytes))

const refused = (bytes: Uint8Array) => Result.getOrElse(Result.flip(Qcow2Header.parse(bytes)), () => "")

describe("Qcow2Header.parse", () => {
  it("reads what an image is made of", () => {
    assert.deepStrictEqual(parsed(header({})), plain)
    assert.deepStrictEqual(parsed(header({ version: 2 })), plain)
    const extensions = [[unknown, "x"], [backingFormat, "raw"], [dataFile, "data,1"]] as const
    const backing = "größe\n,日本"
    assert.deepStrictEqual(parsed(header({ features: 4n, backing, extensions })), {
      virtualSize: 1024n,
      backingFile: backing,
      backingFormat: "raw",
      dataFile: "data,1"
    })
    assert.deepStrictEqual(parsed(header({ version: 2, backing, extensions: [[backingFormat, "qcow2"]] })), {
      ...plain,
      backingFile: backing,
      backingFormat: "qcow2"
    })
  })

  it("takes a data file's name for that of one only when the image has one", () => {
    assert.deepStrictEqual(parsed(header({ extensions: [[dataFile, "/etc/passwd"]] })), plain)
    assert.deepStrictEqual(parsed(header({ features: 4n })), { ...plain, dataFile: "" })
  })

  it("refuses what it can not vouch for, and says what to do", () => {
    assert.include(refused(new Uint8Array(512)), "not a qcow2 image")
    assert.include(refused(new Uint8Array()), "not a qcow2 image")
    assert.include(refused(header({ version: 4 })), "version 4")
    assert.include(refused(header({ encryption: 2 })), "encrypted")
    assert.include(refused(header({ features: 2n })), "qemu-img check -r all")
    assert.include(refused(header({}).subarray(0, 80)), "cut short")
    assert.include(refused(header({ clusterBits: 40 })), "damaged")
    assert.include(refused(header({ backing: "x".repeat(200) }).subarray(0, 200)), "cut short")
  })

  it.prop("answers for any bytes at all behind the magic number", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  ], ([tail]) => {
    const random = Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3, ...tail)
    const planted = header({ backing: "b", extensions: [[backingFormat, "raw"]] })
    planted.set(tail.slice(0, 512), 72)
    for (const bytes of [random, planted]) {
      const answer = Qcow2Header.parse(bytes)
      if (Result.isSuccess(answer)) assert.isAtLeast(bytes.length, 72)
    }
  })
})
