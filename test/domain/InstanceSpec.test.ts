import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Schema } from "effect"
import { equivalence, InstanceSpec, Memory, StopGrace } from "../../src/domain/InstanceSpec.ts"
import { specs } from "./specs.ts"

const minimal = {
  id: "67e8",
  memory: "128 MiB",
  boot: { kind: "volume", volume: "root" },
  volumes: [{ id: "root" }]
}

const decode = Schema.decodeUnknownEffect(InstanceSpec)
const refused = (input: unknown) => Effect.flip(decode(input)).pipe(Effect.map((error) => error.message))

describe("InstanceSpec", () => {
  it.effect.prop("decoding what was encoded gives an equal spec", [specs], ([spec]) =>
    Effect.gen(function*() {
      const encoded = yield* Schema.encodeEffect(InstanceSpec)(spec)
      const decoded = yield* decode(JSON.parse(JSON.stringify(encoded)))
      assert.isTrue(equivalence(decoded, spec))
      assert.deepStrictEqual(yield* Schema.encodeEffect(InstanceSpec)(decoded), encoded)
    }))

  it.effect("makes values of its own for property tests", () =>
    Effect.gen(function*() {
      const sample = yield* Arbitrary.sampleEffect(Arbitrary.schema(InstanceSpec), { count: 100 })
      assert.strictEqual(sample.length, 100)
    }))

  it.effect("is equal to the same written in another way, and to nothing else", () =>
    Effect.gen(function*() {
      const spec = yield* decode(minimal)
      const same = { ...minimal, memory: "131072 KiB", vcpus: 1, stopGrace: "10000 millis", labels: {}, nics: [] }
      assert.isTrue(equivalence(spec, yield* decode(same)))
      for (
        const other of [
          { id: "67e9" },
          { memory: "129 MiB" },
          { stopGrace: "11 seconds" },
          { vcpus: 2 },
          { name: "web" },
          { labels: { a: "b" } },
          { firmware: "efi" },
          { restart: "always" },
          { volumes: [{ id: "root", readOnly: true }] },
          { volumes: [{ id: "root" }, { id: "data" }] },
          { nics: [{ kind: "none" }] },
          { cloudInit: { dataSource: "nocloud" } }
        ]
      ) {
        assert.isFalse(equivalence(spec, yield* decode({ ...minimal, ...other })), JSON.stringify(other))
      }
    }))

  it.effect("refuses a volume named twice, and a boot volume that is not one of its own", () =>
    Effect.gen(function*() {
      assert.include(
        yield* refused({ ...minimal, volumes: [{ id: "root" }, { id: "root" }] }),
        "must name every volume once"
      )
      assert.include(yield* refused({ ...minimal, volumes: [] }), "must be one of the volumes")
    }))

  for (const key of ["", "a=b", "\\", "\"", "\n", "a\u0000", "\ud800"]) {
    it.effect(`refuses the key ${JSON.stringify(key)}, of a label and of a variable, and leaves neither out`, () =>
      Effect.gen(function*() {
        const container = { ...minimal, volumes: [], boot: { kind: "container", image: "busybox" } }
        const texts = { tier: "web", [key]: "x" }
        for (const other of [{ labels: texts }, { boot: { ...container.boot, environment: texts } }]) {
          assert.include(yield* refused({ ...container, ...other }), "a key of one or more characters")
        }
        yield* decode({ ...container, labels: { "tier/ä b.c-d_e": key } })
      }))
  }

  for (const memory of ["1 MiB", "16 TiB", "1.5 GiB", "1048576 bytes"]) {
    it.effect(`takes ${memory} of memory`, () => Schema.decodeUnknownEffect(Memory)(memory))
  }

  for (
    const memory of ["0 B", "1 B", "1 MB", "1.0000001 MiB", "16777217 MiB", "-1 MiB", "128", "", "128 mb", "Infinity"]
  ) {
    it.effect(`refuses ${memory} of memory`, () => Effect.flip(Schema.decodeUnknownEffect(Memory)(memory)))
  }

  for (const grace of ["0 millis", "10 seconds", "1 hour", "2000000 nanos"]) {
    it.effect(`takes a stop grace of ${grace}`, () =>
      Effect.gen(function*() {
        const decoded = yield* Schema.decodeUnknownEffect(StopGrace)(grace)
        const again = yield* Schema.decodeUnknownEffect(StopGrace)(yield* Schema.encodeEffect(StopGrace)(decoded))
        assert.isTrue(Duration.Equivalence(again, decoded))
      }))
  }

  for (
    const grace of ["-1 seconds", "61 minutes", "Infinity", "-Infinity", "1 nanos", "0.5 millis", "soon", "10", ""]
  ) {
    it.effect(`refuses a stop grace of ${grace}`, () => Effect.flip(Schema.decodeUnknownEffect(StopGrace)(grace)))
  }
})
