import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { InstanceRecord } from "../../src/launcher/InstanceRecord.ts"
import { decode, RecordText } from "../../src/launcher/RecordText.ts"

const encode = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(InstanceRecord)))

const equivalence = Schema.toEquivalence(InstanceRecord)

describe("RecordText", () => {
  it.effect.prop(
    "any record comes back from its text, which says what its schema would have it say",
    [InstanceRecord],
    ([record]) =>
      Effect.sync(() => {
        const texts = new RecordText()
        for (const revision of [1, 2]) {
          const written = { ...record, revision }
          const text = texts.encode(written)
          assert.isTrue(equivalence(Result.getOrThrow(decode(text)), written))
          assert.deepStrictEqual(JSON.parse(text), JSON.parse(encode(written)))
        }
      }),
    { arbitrary: { runs: 200 } }
  )
})
