import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect } from "effect"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as StartPayload from "../../src/payload/StartPayload.ts"

const vm = `start:
  instance_uuid: d7d86208-b46c-4465-9018-ee14087d415f
  tenant_uuid: 67D86208-000-4465-9018-FE14087D415F
  fw_type: legacy
  vm_type: qemu
  persistence: host
  requirements:
    vcpus: 2
    mem_mb: 370
    node_id: 7e84c2d6
  networking:
    vnic_mac: 02:00:E6:F5:AF:F9
    vnic_uuid: 67d86208-b46c-0000-9018-fe14087d415f
    concentrator_ip: 192.168.42.21
    concentrator_uuid: 67d86208-b46c-4465-0000-fe14087d415f
    subnet: 192.168.8.0/21
    subnet_key: 8
    private_ip: 192.168.8.2
    public_ip: false
  storage:
    - id: 69e84267-ed01-4738-b15f-b47de06b62e7
      boot: true
      boot_index: 0
      ephemeral: false
    - id: DATA-1
      tag: scratch
      size: 10
`

const userData = `#cloud-config
users:
  - name: demo
    ssh-authorized-keys: [ssh-ed25519 AAAA demo]
runcmd:
  - - ls
    - -l
`

const metaData = `{
  "uuid": "d7d86208-b46c-4465-9018-ee14087d415f",
  "hostname": "web"
}
`

const decode = (payload: string | Uint8Array) =>
  StartPayload.decode(payload).pipe(
    Effect.mapError((error) => new Error(`${error.code} ${error.message}`)),
    Effect.orDie
  )

const spec = (payload: string) => Effect.map(decode(payload), ({ spec }) => spec)

const start = (...lines: ReadonlyArray<string>) => ["start:", ...lines.map((line) => `  ${line}`), ""].join("\n")

const bootable = ["storage:", "- id: root", "  boot: true"] as const

describe("StartPayload", () => {
  it.effect("keeps everything a VM's payload says", () =>
    Effect.gen(function*() {
      const payload = yield* decode(`---\n${vm}...\n---\n${userData}...\n---\n${metaData}...\n`)
      assert.deepStrictEqual(
        payload.spec,
        InstanceSpec.make({
          ...payload.spec,
          tenant: "67d86208-000-4465-9018-fe14087d415f",
          virtualizer: "qemu",
          boot: { kind: "volume", volume: payload.spec.volumes[0].id },
          vcpus: 2,
          memory: ByteSize.mebibytes(370),
          firmware: "legacy",
          nics: [{
            kind: "user",
            id: "67d86208-b46c-0000-9018-fe14087d415f",
            mac: "02:00:e6:f5:af:f9",
            address: "192.168.8.2",
            subnet: "192.168.8.0/21",
            concentrator: { id: "67d86208-b46c-4465-0000-fe14087d415f", address: "192.168.42.21" }
          }],
          cloudInit: { dataSource: "config-drive", userData, metaData }
        })
      )
      assert.strictEqual(payload.spec.id, "d7d86208-b46c-4465-9018-ee14087d415f")
      assert.deepStrictEqual(
        payload.spec.volumes.map(({ id }) => id as string),
        ["69e84267-ed01-4738-b15f-b47de06b62e7", "data-1"]
      )
      assert.isUndefined(payload.spec.networkNode)
      assert.isUndefined(payload.spec.privileged)
      assert.strictEqual(payload.restart, false)
      assert.strictEqual(payload.sshPort, 35_050)
    }))

  it.effect("takes a tenant network concentrator", () =>
    Effect.gen(function*() {
      const { spec, sshPort } = yield* decode(start(
        "instance_uuid: c6beb8b5-0bfc-43fd-9638-7dd788179fd8",
        "requirements: { vcpus: 4, mem_mb: 128, network_node: true }",
        "networking:",
        "  vnic_mac: CA:FE:C0:00:01:02",
        "  vnic_uuid: 7f49d00d-1995-4156-8c79-5f5ab24ce138",
        "  private_ip: ''",
        ...bootable
      ))
      assert.strictEqual(spec.networkNode, true)
      assert.strictEqual(spec.firmware, "efi")
      assert.deepStrictEqual(spec.nics, [{
        kind: "user",
        id: "7f49d00d-1995-4156-8c79-5f5ab24ce138",
        mac: "ca:fe:c0:00:01:02"
      }])
      assert.strictEqual(sshPort, 0)
    }))

  it.effect("takes a container", () =>
    Effect.gen(function*() {
      const payload = start(
        "instance_uuid: 67e8",
        "vm_type: docker",
        "docker_image: docker/latest",
        "requirements: { vcpus: 2, mem_mb: 256, privileged: true }",
        "storage: [{ id: data }]",
        "restart: true"
      )
      const { restart, spec } = yield* decode(`${payload}---\n${userData}---\n{"hostname": "ciao"}\n`)
      assert.strictEqual(spec.virtualizer, "docker")
      assert.strictEqual(spec.privileged, true)
      assert.strictEqual(restart, true)
      assert.deepStrictEqual(spec.volumes.map(({ id }) => id as string), ["data"])
      assert.deepStrictEqual(spec.boot, {
        kind: "container",
        image: "docker/latest",
        command: ["ls", "-l"],
        hostname: "ciao"
      })
      assert.strictEqual(spec.cloudInit?.userData, userData)
    }))

  const container = start("instance_uuid: 67e8", "vm_type: docker", "docker_image: debian")
  const commands: ReadonlyArray<readonly [userData: string, command: ReadonlyArray<string> | undefined]> = [
    ["", undefined],
    ["#!/bin/sh\necho hello: world: all\n", undefined],
    ["runcmd: []\n", undefined],
    ["runcmd:\n", undefined],
    ["runcmd:\n- []\n", undefined],
    ["runcmd:\n- - ls\n- - second\n", ["ls"]],
    ["runcmd:\n- [sleep, 67e8]\n", ["sleep", "67e8"]],
    ["runcmd:\n- echo a b\n", ["sh", "-c", "echo a b"]]
  ]
  for (const [userData, command] of commands) {
    it.effect(`finds a container's command in ${JSON.stringify(userData)}`, () =>
      Effect.gen(function*() {
        const { boot } = yield* spec(`${container}---\n${userData}---\n`)
        assert.deepStrictEqual(boot.kind === "container" ? boot.command : [], command)
        assert.deepStrictEqual(boot.kind === "container" ? boot.hostname : "", "67e8")
      }))
  }

  it.effect("fills in what is empty or left out", () =>
    Effect.gen(function*() {
      const blank = yield* decode(start(
        "instance_uuid: 67E8",
        "tenant_uuid:",
        "vm_type: ''",
        "fw_type: ~",
        "docker_image: ''",
        "requirements: { vcpus: 0, mem_mb: 0, network_node: , privileged: null }",
        "networking: { vnic_mac: ' ', vnic_uuid: '', private_ip: , subnet: '', concentrator_ip: '', concentrator_uuid: '' }",
        "restart:",
        ...bootable
      ))
      assert.deepStrictEqual(blank, yield* decode(start("instance_uuid: 67e8", ...bootable)))
      assert.strictEqual(blank.spec.id, "67e8")
      assert.strictEqual(blank.spec.virtualizer, "qemu")
      assert.strictEqual(blank.spec.firmware, "efi")
      assert.strictEqual(blank.spec.vcpus, 1)
      assert.strictEqual(blank.spec.memory, ByteSize.mebibytes(128))
      assert.deepStrictEqual(blank.spec.nics, [{ kind: "user" }])
      assert.deepStrictEqual(JSON.parse(blank.spec.cloudInit?.metaData ?? ""), { uuid: "67e8", hostname: "67e8" })
      assert.isUndefined(blank.spec.cloudInit?.userData)
      assert.strictEqual(blank.restart, false)
      assert.strictEqual(blank.sshPort, 0)
    }))

  it.effect("boots from the first bootable volume", () =>
    Effect.gen(function*() {
      const { boot, volumes } = yield* spec(
        start("instance_uuid: ab", "storage: [{ id: A }, { id: B, boot: yes }, { id: c, boot: true }]")
      )
      assert.strictEqual(boot.kind === "volume" ? boot.volume : "", "b")
      assert.deepStrictEqual(volumes.map(({ id }) => id as string), ["a", "b", "c"])
    }))

  it.effect("ignores white space around values of networking, and case", () =>
    Effect.gen(function*() {
      const { nics } = yield* spec(start(
        "instance_uuid: '  67E8 '",
        "networking: { vnic_mac: ' 02:00:E6:F5:AF:F9 ', private_ip: \" 10.0.0.1\\t\", subnet: ' 10.0.0.0/8 ', vnic_uuid: ' AB ' }",
        ...bootable
      ))
      assert.deepStrictEqual(nics, [
        { kind: "user", id: "ab", mac: "02:00:e6:f5:af:f9", address: "10.0.0.1", subnet: "10.0.0.0/8" }
      ])
    }))

  it.effect("reads bytes, a byte order mark, and lines that end in CR LF", () =>
    Effect.gen(function*() {
      const expected = yield* decode(vm)
      assert.deepStrictEqual(yield* decode(new TextEncoder().encode(vm)), expected)
      assert.deepStrictEqual(yield* decode(`\uFEFF${vm}`), expected)
      assert.deepStrictEqual(yield* decode(new TextEncoder().encode(`\uFEFF${vm}`)), expected)
      assert.deepStrictEqual(yield* decode(vm.replaceAll("\n", "\r\n")), expected)
    }))

  const wrong: ReadonlyArray<readonly [name: string, payload: string | Uint8Array, code: string, problem: string]> = [
    ["an empty text", "", "invalid_data", "start: is required"],
    ["a scalar", "start", "invalid_data", "start: is required"],
    ["a payload without start", userData, "invalid_data", "start: is required"],
    ["a start that is a scalar", "start: now\n", "invalid_data", "start: must be a mapping"],
    ["a start that is a list", "start: [a]\n", "invalid_data", "start: must be a mapping"],
    ["an empty start", "start:\n", "invalid_data", "start.instance_uuid: is required"],
    ["four documents", `${vm}---\na\n---\nb\n---\nc\n`, "invalid_data", "has 4 documents"],
    ["what is no YAML", "{", "invalid_payload", "is not valid YAML"],
    ["a start that is no YAML", "start: [\n", "invalid_payload", "line 2"],
    ["a wrongly indented field", vm.replace("  vm_type", "   vm_type"), "invalid_payload", "line 4"],
    ["a tab for indentation", vm.replace("  vm_type", "\tvm_type"), "invalid_payload", "line 5"],
    ["an error further down", `${userData}---\n${vm.replace("  vm_type", "   vm_type")}`, "invalid_payload", "line 12"],
    ["what is not UTF-8", new Uint8Array([0x73, 0xff]), "invalid_payload", "UTF-8"],
    ["no id", start(...bootable), "invalid_data", "start.instance_uuid: is required"],
    ["an empty id", start("instance_uuid: ''", ...bootable), "invalid_data", "start.instance_uuid: is required"],
    [
      "an id that is none",
      start("instance_uuid: imnotvalid", ...bootable),
      "invalid_data",
      "start.instance_uuid: must be an"
    ],
    [
      "a path for an id",
      start("instance_uuid: ../../ab", ...bootable),
      "invalid_data",
      "start.instance_uuid: must be an"
    ],
    [
      "an id of 65 characters",
      start(`instance_uuid: ${"a".repeat(65)}`, ...bootable),
      "invalid_data",
      "start.instance_uuid:"
    ],
    [
      "a list for an id",
      start("instance_uuid: [ab]", ...bootable),
      "invalid_data",
      "start.instance_uuid: must be a string"
    ],
    ["an unknown vm_type", vm.replace("qemu", "xen"), "invalid_data", "start.vm_type: must be \"qemu\" | \"docker\""],
    [
      "an unknown fw_type",
      vm.replace("legacy", "uboot"),
      "invalid_data",
      "start.fw_type: must be \"legacy\" | \"efi\""
    ],
    [
      "a MAC address that is none",
      vm.replace("02:00:E6:F5:AF:F9", "02:00"),
      "invalid_data",
      "start.networking.vnic_mac:"
    ],
    [
      "an address that is none",
      vm.replace("192.168.8.2", "192.168.8.256"),
      "invalid_data",
      "start.networking.private_ip:"
    ],
    ["a subnet that is none", vm.replace("/21", "/33"), "invalid_data", "start.networking.subnet:"],
    ["a long tenant", vm.replace("67D86208", "6".repeat(64)), "invalid_data", "start.tenant_uuid: must be at most 64"],
    [
      "a number that is none",
      vm.replace("vcpus: 2", "vcpus: two"),
      "invalid_data",
      "start.requirements.vcpus: must be a number"
    ],
    ["a part of a vCPU", vm.replace("vcpus: 2", "vcpus: 1.5"), "invalid_data", "start.requirements.vcpus: must be"],
    ["negative memory", vm.replace("370", "-1"), "invalid_data", "start.requirements.mem_mb: must be a whole number"],
    [
      "a flag that is none",
      vm.replace("boot: true", "boot: 2"),
      "invalid_data",
      "start.storage[0].boot: must be true or false"
    ],
    ["an empty volume id", vm.replace("DATA-1", "''"), "invalid_data", "start.storage[1].id: is required"],
    ["a volume without id", vm.replace("id: DATA-1", "x: y"), "invalid_data", "start.storage[1].id: is required"],
    [
      "a path for a volume id",
      vm.replace("DATA-1", "../shadow"),
      "invalid_data",
      "start.storage[1].id: must be a volume id"
    ],
    [
      "a volume named twice",
      vm.replace("DATA-1", "69E84267-ed01-4738-b15f-b47de06b62e7"),
      "invalid_data",
      "start.storage: must name"
    ],
    [
      "a VM without a bootable volume",
      vm.replace("boot: true", "boot: false"),
      "invalid_data",
      "start.storage: must have a bootable"
    ],
    ["a VM without volumes", start("instance_uuid: ab"), "invalid_data", "start.storage: must have a bootable"],
    [
      "a bootable container",
      vm.replace("qemu", "docker\n  docker_image: a"),
      "invalid_data",
      "start.storage[0].boot: must not"
    ],
    [
      "a container without image",
      start("instance_uuid: ab", "vm_type: docker"),
      "invalid_data",
      "start.docker_image: is required"
    ],
    ["a command that is none", `${container}runcmd: 5\n`, "invalid_data", "runcmd: must be a list"],
    ["a command of mappings", `${container}runcmd: [{ a: b }]\n`, "invalid_data", "runcmd[0]: must be"],
    [
      "a host name that is none",
      `${container}---\n{"hostname": "a/b"}\n`,
      "invalid_data",
      "boot.hostname: must be a host name"
    ]
  ]
  for (const [name, payload, code, problem] of wrong) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(StartPayload.decode(payload))
        assert.strictEqual(error.code, code, error.message)
        assert.include(error.message, problem)
      }))
  }

  it.effect("tells all that is wrong at once", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        StartPayload.decode(vm.replace("vcpus: 2", "vcpus: x").replace("legacy", "uboot").replace("DATA-1", "a/b"))
      )
      assert.deepStrictEqual(
        error.problems.map(({ path }) => path).toSorted(),
        ["start.fw_type", "start.requirements.vcpus", "start.storage[1].id"]
      )
    }))
})
