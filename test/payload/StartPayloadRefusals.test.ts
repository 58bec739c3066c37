import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as StartPayload from "../../src/payload/StartPayload.ts"
import { bootable, container, start, userData, vm } from "./startPayloads.ts"

describe("StartPayload", () => {
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
