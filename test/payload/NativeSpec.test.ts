import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, ByteSize, Duration, Effect, Schema } from "effect"
import { equivalence, InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as NativeSpec from "../../src/payload/NativeSpec.ts"
import { specs } from "../domain/specs.ts"

const minimal = `
id: 67e8
memory: 128 MiB
boot: { kind: volume, volume: root }
volumes: [{ id: root }]
`

const utf8 = new TextEncoder()

const isSame = (a: InstanceSpec, b: InstanceSpec) => assert.deepStrictEqual(InstanceSpec.make(a), InstanceSpec.make(b))

describe("NativeSpec", () => {
  it.effect.prop("a spec survives JSON", [specs], ([spec]) =>
    Effect.gen(function*() {
      const decoded = yield* NativeSpec.decode(NativeSpec.encodeJson(spec))
      assert.isTrue(equivalence(decoded, spec))
      assert.strictEqual(NativeSpec.encodeJson(decoded), NativeSpec.encodeJson(spec))
    }))

  it.effect.prop("a spec survives YAML", [specs], ([spec]) =>
    Effect.gen(function*() {
      const decoded = yield* NativeSpec.decode(NativeSpec.encodeYaml(spec))
      assert.isTrue(equivalence(decoded, spec))
      assert.strictEqual(NativeSpec.encodeYaml(decoded), NativeSpec.encodeYaml(spec))
    }))

  const pieces = Schema.Literals([
    "a",
    "\n",
    "\n\n",
    " ",
    "  ",
    "\t",
    "\r",
    "\r\n",
    "#",
    ": ",
    "- ",
    "---",
    "...",
    "%",
    "|",
    ">",
    "\"",
    "'",
    "\\",
    "\0",
    "\x1b",
    "\x7f",
    "\u0085",
    "\u2028",
    "\uFEFF",
    "\uD800",
    "é",
    "😀",
    "null",
    "~",
    "0x1f",
    "x".repeat(200)
  ])

  it.effect.prop(
    "any user data survives YAML",
    [Arbitrary.array(Arbitrary.schema(pieces))],
    ([text]) =>
      Effect.gen(function*() {
        const spec = yield* NativeSpec.decode(minimal)
        const userData = text.join("")
        const encoded = NativeSpec.encodeYaml({ ...spec, cloudInit: { dataSource: "nocloud", userData } })
        assert.strictEqual((yield* NativeSpec.decode(encoded)).cloudInit?.userData, userData)
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("the spaces of a blank line survive YAML beside what must be quoted and is long", () =>
    Effect.gen(function*() {
      const spec = yield* NativeSpec.decode(minimal)
      const userData = `\r\n \n${"x".repeat(200)} \n y`
      const encoded = NativeSpec.encodeYaml({ ...spec, cloudInit: { dataSource: "nocloud", userData } })
      assert.strictEqual((yield* NativeSpec.decode(encoded)).cloudInit?.userData, userData)
    }))

  for (const userData of [" \n", "  \n \n", "\n \n\n", "\t\n", " \n ", "\n", " ", " \nx\n", "x\n \n"]) {
    it.effect(`the user data ${JSON.stringify(userData)} survives YAML`, () =>
      Effect.gen(function*() {
        const spec = yield* NativeSpec.decode(minimal)
        const encoded = NativeSpec.encodeYaml({ ...spec, cloudInit: { dataSource: "nocloud", userData } })
        assert.strictEqual((yield* NativeSpec.decode(encoded)).cloudInit?.userData, userData)
      }))
  }

  it.effect("writes YAML in which other readers find an id, and not a number", () =>
    Effect.gen(function*() {
      assert.include(NativeSpec.encodeYaml(yield* NativeSpec.decode(minimal)), "id: \"67e8\"\n")
    }))

  it.effect("reads YAML and JSON alike, from text or bytes", () =>
    Effect.gen(function*() {
      const yaml = `
# a comment
id: 9C1F-04
name: web
labels: { tier: 1, "on": true }
tenant: acme
virtualizer: qemu
boot: { kind: image, path: "/images/a, b.qcow2", format: qcow2, size: 10 GiB }
vcpus: 2
memory: 1.5 GiB
firmware: efi
volumes:
  - id: DATA-1
    readOnly: true
  - { id: 67e8 }
nics:
  - kind: user
    mac: 52:54:00:AB:cd:ef
    publish: [{ protocol: tcp, hostPort: 8080, guestPort: 80 }]
cloudInit:
  dataSource: nocloud
  userData: |
    #cloud-config
    hostname: web
restart: on-failure
stopGrace: 30 seconds
`
      const json = JSON.stringify({
        id: "9C1F-04",
        name: "web",
        labels: { tier: 1, on: true },
        tenant: "acme",
        virtualizer: "qemu",
        boot: { kind: "image", path: "/images/a, b.qcow2", format: "qcow2", size: "10 GiB" },
        vcpus: 2,
        memory: "1.5 GiB",
        firmware: "efi",
        volumes: [{ id: "DATA-1", readOnly: true }, { id: "67e8" }],
        nics: [{
          kind: "user",
          mac: "52:54:00:AB:cd:ef",
          publish: [{ protocol: "tcp", hostPort: 8080, guestPort: 80 }]
        }],
        cloudInit: { dataSource: "nocloud", userData: "#cloud-config\nhostname: web\n" },
        restart: "on-failure",
        stopGrace: "30 seconds"
      })
      const fromYaml = yield* NativeSpec.decode(yaml)
      isSame(fromYaml, yield* NativeSpec.decode(json))
      isSame(fromYaml, yield* NativeSpec.decode(utf8.encode(yaml)))
      isSame(fromYaml, yield* NativeSpec.decode(`\uFEFF${yaml.replaceAll("\n", "\r\n").replace("web\r\n", "web\n")}`))
      assert.strictEqual(fromYaml.id, "9c1f-04")
      assert.deepStrictEqual(fromYaml.labels, { tier: "1", on: "true" })
      assert.deepStrictEqual(fromYaml.volumes.map(({ id }) => id as string), ["data-1", "67e8"])
      assert.strictEqual(fromYaml.nics[0]?.mac, "52:54:00:ab:cd:ef")
      assert.strictEqual(fromYaml.memory, ByteSize.mebibytes(1536))
      assert.strictEqual(fromYaml.cloudInit?.userData, "#cloud-config\nhostname: web\n")
    }))

  it.effect("takes an id that looks like a number for an id, and fills in defaults", () =>
    Effect.gen(function*() {
      const spec = yield* NativeSpec.decode(minimal)
      assert.strictEqual(spec.id, "67e8")
      assert.strictEqual(spec.vcpus, 1)
      assert.strictEqual(spec.virtualizer, "qemu")
      assert.strictEqual(spec.firmware, "legacy")
      assert.strictEqual(spec.restart, "never")
      assert.strictEqual(Duration.toMillis(spec.stopGrace), 10_000)
      assert.deepStrictEqual(spec.nics, [])
    }))

  const wrong: ReadonlyArray<readonly [name: string, text: string, code: string, ...problems: ReadonlyArray<string>]> =
    [
      ["a misspelt field", `${minimal}memroy: 1 GiB`, "invalid_data", "memroy: is not a field here"],
      [
        "a misspelt field further down",
        minimal.replace("id: root", "id: root, ro: true"),
        "invalid_data",
        "volumes[0].ro: is"
      ],
      ["a missing field", minimal.replace("memory: 128 MiB", ""), "invalid_data", "memory: is required"],
      [
        "several things at once",
        minimal.replace("[{ id: root }]", "[{ id: root }, { id: ../x }]").replace("67e8", "xyz") + "vcpus: many",
        "invalid_data",
        "id: must be an instance id",
        "vcpus: must be a number",
        "volumes[1].id: must be a volume id"
      ],
      ["a null", `${minimal}name:`, "invalid_data", "name: must be a string"],
      ["a name like an id", `${minimal}name: cafe`, "invalid_data", "name: must not look like an id"],
      ["memory without a unit", minimal.replace("128 MiB", "128"), "invalid_data", "memory: must be a"],
      [
        "memory that is not whole MiB",
        minimal.replace("128 MiB", "1 kB"),
        "invalid_data",
        "memory: must be a whole number"
      ],
      ["a stop grace without end", `${minimal}stopGrace: Infinity`, "invalid_data", "stopGrace: must be"],
      ["a negative stop grace", `${minimal}stopGrace: -1 seconds`, "invalid_data", "stopGrace: must be"],
      ["no vCPU", `${minimal}vcpus: 0`, "invalid_data", "vcpus: must be"],
      ["a boot source of no kind", minimal.replace("kind: volume,", ""), "invalid_data", "boot: must be a boot source"],
      [
        "a relative path",
        minimal.replace(/boot:.*/, "boot: { kind: kernel, kernel: vmlinuz }"),
        "invalid_data",
        "boot.kernel:"
      ],
      [
        "a field of another kind",
        minimal.replace("kind: volume,", "kind: volume, path: /x,"),
        "invalid_data",
        "boot.path: is not"
      ],
      [
        "a boot volume it does not have",
        minimal.replace("volume: root", "volume: x"),
        "invalid_data",
        "boot.volume: must be one"
      ],
      [
        "a volume named twice",
        minimal.replace("[{", "[{ id: ROOT }, {"),
        "invalid_data",
        "volumes: must name every volume once"
      ],
      ["a list", "- a", "invalid_data", "must be a mapping"],
      ["nothing", "", "invalid_data", "must be a mapping"],
      ["two documents", `${minimal}---\n${minimal}`, "invalid_data", "must be one document, and not 2"],
      ["no YAML", "a: b: c", "invalid_payload", "line 1, column 4"],
      ["an unclosed bracket", "{", "invalid_payload", "is not valid YAML"],
      ["a key twice", `${minimal}id: ab`, "invalid_payload", "line 6, column 1: the key \"id\" occurs twice"],
      ["a tag", minimal.replace("67e8", "!!binary Njdl"), "invalid_payload", "line 2, column 14: the tag"],
      ["an alias without anchor", minimal.replace("67e8", "*id"), "invalid_payload", "line 2, column 5: the alias *id"]
    ]

  for (const [name, text, code, ...problems] of wrong) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(NativeSpec.decode(text))
        assert.strictEqual(error.code, code)
        assert.strictEqual(error.problems.length, problems.length, error.message)
        for (const problem of problems) assert.include(error.message, problem)
      }))
  }

  it.effect("tells ten problems and how many more there are", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        NativeSpec.decode(minimal + Array.from({ length: 25 }, (_, i) => `x${i}: y\n`).join(""))
      )
      assert.strictEqual(error.problems.length, 10)
      assert.strictEqual(error.omitted, 15)
      assert.include(error.message, "x0: is not a field here")
      assert.match(error.message, /and 15 more$/)
    }))

  it.effect("does not repeat values, which may be secrets", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(NativeSpec.decode(`${minimal}cloudInit: { userData: [hunter2], metaData: x }`))
      assert.notInclude(error.message, "hunter2")
    }))
})
