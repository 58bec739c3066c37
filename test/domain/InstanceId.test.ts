import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { generate, InstanceId, InstanceName } from "../../src/domain/InstanceId.ts"
import { VolumeId } from "../../src/domain/Volume.ts"

const isId = Schema.is(InstanceId)
const isName = Schema.is(InstanceName)
const isVolumeId = Schema.is(VolumeId)

describe("InstanceId", () => {
  it("takes hexadecimal groups, in lower case, up to 64 characters", () => {
    for (const id of ["0", "67e8", "67d86208-000-4465-9018-fe14087d415f", "a".repeat(64)]) assert.isTrue(isId(id), id)
    for (const id of ["", "-", "a-", "-a", "a--b", "A", "g", "../a", "a/b", "a\n", "a b", "a".repeat(65)]) {
      assert.isFalse(isId(id), id)
    }
  })

  it.effect("generates random UUIDs from the random service", () =>
    Effect.gen(function*() {
      const [one, other] = yield* Effect.all([generate, generate])
      assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.notStrictEqual(one, other)
      const zeros = Layer.succeed(SecureRandom.SecureRandom, SecureRandom.make((size) => new Uint8Array(size)))
      assert.strictEqual(yield* Effect.provide(generate, zeros), "00000000-0000-4000-8000-000000000000")
    }).pipe(Effect.provide(SecureRandom.layerWebCrypto)))
})

describe("InstanceName", () => {
  it("takes DNS labels that are no ids", () => {
    for (const name of ["web", "web-1", "1z", "z", "z".repeat(63)]) assert.isTrue(isName(name), name)
    for (const name of ["", "cafe", "0-1", "-z", "z-", "Web", "a.z", "z".repeat(64), "z\n"]) {
      assert.isFalse(isName(name), name)
    }
  })

  it.effect.prop(
    "is never taken for an id",
    [Arbitrary.schema(InstanceName)],
    ([name]) => Effect.sync(() => assert.isFalse(isId(name)))
  )
})

describe("VolumeId", () => {
  it("can not leave a directory", () => {
    for (const id of ["a", "67e8", "data_1.2-3", "a..b", "9".repeat(64)]) assert.isTrue(isVolumeId(id), id)
    for (const id of ["", ".", "..", ".a", "a/b", "/a", "-a", "_a", "A", "a\0", "a\n", "a,b", "9".repeat(65)]) {
      assert.isFalse(isVolumeId(id), id)
    }
  })
})
