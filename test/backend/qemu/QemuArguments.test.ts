import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Schema } from "effect"
import * as QemuArguments from "../../../src/backend/qemu/QemuArguments.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDevices from "../../../src/backend/qemu/QemuDevices.ts"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"
import * as QemuImage from "../../../src/backend/qemu/QemuImage.ts"
import { HostPath } from "../../../src/domain/Image.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import type { NetworkConnection } from "../../../src/domain/Network.ts"
import { VolumeId } from "../../../src/domain/Volume.ts"

const config = QemuConfig.make({ stateDirectory: "/s" })

const spec = (fields: object): InstanceSpec =>
  Schema.decodeUnknownSync(InstanceSpec)({ id: "67e8", memory: "128 MiB", ...fields })

const empty = {
  config,
  directory: QemuDirectory.make(config, "/s/instances/67e8"),
  accelerator: "tcg",
  volumes: [],
  networks: []
} as const

const kernel = spec({ boot: { kind: "kernel", kernel: "/k" } })

const node = (nodeName: string, path: string) =>
  QemuImage.blockdev({ layers: [{ path, format: "raw" }], virtualSize: ByteSize.bytes(0) }, {
    nodeName,
    readOnly: false
  })

const flags = new Set(["-nodefaults", "-no-user-config", "-S"])
const taking = new Set([
  ...[
    "-name",
    "-uuid",
    "-pidfile",
    "-display",
    "-sandbox",
    "-action",
    "-machine",
    "-accel",
    "-cpu",
    "-smp",
    "-m",
    "-boot"
  ],
  ...["-chardev", "-mon", "-device", "-object", "-blockdev", "-netdev", "-kernel", "-initrd", "-append"]
])

/** The options as QEMU takes them apart: the next argument is a value, whatever it looks like. */
const parse = (args: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> => {
  const options: Array<readonly [string, string]> = []
  for (let index = 0; index < args.length; index++) {
    const name = args[index] ?? ""
    if (flags.has(name)) options.push([name, ""])
    else if (taking.has(name)) options.push([name, args[++index] ?? assert.fail(`${name} has no value`)])
    else assert.fail(`${JSON.stringify(name)} is no option`)
  }
  return options
}

/** `a=b,c=d,,e` as QEMU takes it apart (its function opts_parse). */
const keyval = (value: string): Record<string, string> =>
  Object.fromEntries(
    value.replaceAll(",,", "\0").split(",").map((part) => {
      const [key = "", ...rest] = part.replaceAll("\0", ",").split("=")
      return [key, rest.join("=")]
    })
  )

const values = (args: ReadonlyArray<string>, name: string): ReadonlyArray<string> =>
  parse(args).flatMap(([option, value]) => option === name ? [value] : [])

const devices = (args: ReadonlyArray<string>, driver: string): ReadonlyArray<Record<string, unknown>> =>
  values(args, "-device").map((value) => JSON.parse(value)).filter((device) => device.driver === driver)

/** Text made of what separates, quotes and begins options. */
const Hostile = Schema.Array(
  Schema.Literals([",", ",,", "=", "\n", "\"", "'", "\\", "/", " ", "-", "{", "}", ":", "%d", "é", "a", ",server=off"])
)

describe("QemuArguments", () => {
  it.effect.prop(
    "no value becomes an option: all come back as they were given",
    [Hostile, Hostile, HostPath, InstanceId, VolumeId, Schema.Boolean],
    ([one, other, path, id, volumeId, isKernel]) =>
      Effect.sync(() => {
        const text = one.join("")
        const [instance, file] = [`/s/${text}`, `/${other.join("")}${path}`]
        const directory = QemuDirectory.make(config, instance)
        const volume = { id: volumeId, readOnly: false, source: { _tag: "File", path: file, format: "raw" } } as const
        const args = QemuArguments.make({
          config,
          spec: spec({
            id,
            boot: isKernel
              ? { kind: "kernel", kernel: file, initrd: file, commandLine: text }
              : { kind: "volume", volume: volumeId },
            volumes: [{ id: volumeId }]
          }),
          directory,
          accelerator: "tcg",
          seed: file,
          disk: node("disk", file),
          flash: { code: file, variables: file },
          kernel: isKernel ? { path: file, initrd: file } : undefined,
          volumes: [{ volume, blockdev: node(QemuDevices.volumeNode(volumeId), file) }],
          networks: [{ _tag: "User", mac: text, publish: [] }, { _tag: "Tap", mac: text, tap: text }]
        })
        assert.deepStrictEqual(values(args, "-pidfile"), [directory.pidFile])
        assert.deepStrictEqual(values(args, "-chardev").map(keyval), [
          { socket: "", id: "qmp", path: directory.qmpSocket, server: "on", wait: "off" },
          {
            socket: "",
            id: "console",
            path: directory.consoleSocket,
            server: "on",
            wait: "off",
            logfile: directory.consoleLog
          }
        ])
        for (const name of ["-kernel", "-initrd"]) {
          assert.deepStrictEqual(values(args, name), isKernel ? [file] : [])
        }
        assert.deepStrictEqual(values(args, "-append"), isKernel ? [text] : [])
        const nodes = values(args, "-blockdev").map((value) => JSON.parse(value))
        assert.lengthOf(nodes, 5)
        for (const each of nodes) {
          assert.strictEqual(each.file.filename, file)
          assert.isAtMost(each["node-name"].length, 31)
        }
        assert.deepStrictEqual(devices(args, "virtio-net-pci").map(({ mac }) => mac), [text, text])
        const disk = devices(args, "virtio-blk-pci").find(({ id }) => id === `volume-${volumeId}`)
        assert.strictEqual(disk?.["bootindex"], isKernel ? undefined : 1)
        assert.strictEqual(
          QemuDevices.volumeOfPath(`/machine/peripheral/${String(disk?.["id"])}/virtio-backend`),
          volumeId
        )
        assert.deepStrictEqual(values(args, "-sandbox"), [
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
        ])
      })
  )

  it("runs a guest's processors as the accelerator can", () => {
    const tcg = QemuArguments.make({ ...empty, spec: kernel })
    assert.deepStrictEqual([values(tcg, "-accel"), values(tcg, "-cpu")], [["tcg,tb-size=256"], ["max"]])
    const kvm = QemuArguments.make({ ...empty, spec: kernel, accelerator: "kvm" })
    assert.deepStrictEqual([values(kvm, "-accel"), values(kvm, "-cpu")], [["kvm"], ["host"]])
  })

  it("gives each volume a port, and keeps the configured number free, without running out of chassis numbers", () => {
    const volumes = ["one", "two"].map((id) => ({
      volume: {
        id: VolumeId.make(id),
        readOnly: false,
        source: { _tag: "File", path: `/${id}`, format: "raw" }
      } as const,
      blockdev: node(QemuDevices.volumeNode(VolumeId.make(id)), `/${id}`)
    }))
    const args = QemuArguments.make({ ...empty, spec: kernel, volumes })
    const ports = devices(args, "pcie-root-port")
    assert.lengthOf(ports, 2 + config.hotplugSlots)
    assert.deepStrictEqual(devices(args, "virtio-blk-pci").map(({ bus }) => bus), ["port0", "port1"])
    const all = Array.from({ length: QemuDevices.portsMax }, (_, index) => QemuDevices.portDevice(index))
    assert.strictEqual(new Set(all.map(({ addr }) => addr)).size, QemuDevices.portsMax)
    // The last slot of the root bus, 1f, is the chip set's own.
    assert.strictEqual(all.at(-1)?.["addr"], "1e.7")
  })

  it("connects each network as it says, and numbers the descriptors of taps", () => {
    const mac = "52:54:00:00:00:01"
    const networks: ReadonlyArray<NetworkConnection> = [
      { _tag: "Tap", mac, tap: "tap0" },
      { _tag: "None", mac },
      {
        _tag: "User",
        mac,
        publish: [
          { protocol: "tcp", hostPort: 8080, guestPort: 80 },
          { protocol: "udp", hostAddress: "0.0.0.0", hostPort: 53, guestPort: 53 }
        ]
      },
      { _tag: "Tap", mac, tap: "tap1" }
    ]
    const args = QemuArguments.make({ ...empty, spec: kernel, networks })
    assert.deepStrictEqual(values(args, "-netdev").map((value) => JSON.parse(value)), [
      { type: "tap", id: "net0", fd: "3", vhost: false },
      { type: "user", id: "net2", hostfwd: [{ str: "tcp:127.0.0.1:8080-:80" }, { str: "udp:0.0.0.0:53-:53" }] },
      { type: "tap", id: "net3", fd: "4", vhost: false }
    ])
    assert.deepStrictEqual(devices(args, "virtio-net-pci").map(({ netdev }) => netdev), [
      "net0",
      undefined,
      "net2",
      "net3"
    ])
    assert.deepStrictEqual(QemuArguments.taps(networks), ["tap0", "tap1"])
  })

  it("takes an id that is a UUID for the guest's, and derives one from any other", () => {
    const uuid = InstanceId.make("11111111-2222-4333-8444-555555555555")
    assert.strictEqual(QemuArguments.uuid(uuid), uuid)
    const derived = QemuArguments.uuid(InstanceId.make("67e8"))
    assert.match(derived, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.notStrictEqual(derived, QemuArguments.uuid(InstanceId.make("67e9")))
  })
})
