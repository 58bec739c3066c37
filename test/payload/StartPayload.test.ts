import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect } from "effect"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as StartPayload from "../../src/payload/StartPayload.ts"
import { bootable, container, metaData, start, userData, vm } from "./startPayloads.ts"

const decode = (payload: string | Uint8Array) =>
  StartPayload.decode(payload).pipe(
    Effect.mapError((error) => new Error(`${error.code} ${error.message}`)),
    Effect.orDie
  )

const spec = (payload: string) => Effect.map(decode(payload), ({ spec }) => spec)

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
})
