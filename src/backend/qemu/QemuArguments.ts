/**
 * The command line of a guest, as a pure function of what it is to be.
 * https://www.qemu.org/docs/master/system/invocation.html (QEMU 7.2 or later)
 *
 * Values go into JSON where QEMU takes it, are arguments of their own where it does not, and have their commas doubled
 * where they must share one. So no value can become an option.
 */
import { createHash } from "node:crypto"
import { ByteSize } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { NetworkConnection, PublishedPort } from "../../domain/Network.ts"
import type { Volume } from "../../domain/Volume.ts"
import type { QemuConfig } from "./QemuConfig.ts"
import * as QemuDevices from "./QemuDevices.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"
import type { Blockdev } from "./QemuImage.ts"

/** All that the command line depends on. Every path is resolved. */
export interface Options {
  readonly config: Pick<QemuConfig, "translationBuffer" | "hotplugSlots">
  readonly spec: Pick<InstanceSpec, "id" | "vcpus" | "memory" | "boot">
  readonly directory: QemuDirectory
  readonly accelerator: "kvm" | "tcg"
  /** The instance's own disk, with node name `disk`. */
  readonly disk?: Blockdev | undefined
  /** The path of the cloud-init seed. */
  readonly seed?: string | undefined
  /** The paths of the two flash chips of UEFI. */
  readonly flash?: { readonly code: string; readonly variables: string } | undefined
  /** The kernel to boot directly. */
  readonly kernel?: { readonly path: string; readonly initrd?: string | undefined } | undefined
  /** The volumes, and how to open each: with node name `QemuDevices.volumeNode`. */
  readonly volumes: ReadonlyArray<{ readonly volume: Volume; readonly blockdev: Blockdev }>
  readonly networks: ReadonlyArray<NetworkConnection>
}

/** The first descriptor that a guest inherits for a tap. The others follow, in the order of its networks. */
export const tapDescriptor = 3

/** The tap devices of a guest, in the order of their descriptors. */
export const taps = (networks: ReadonlyArray<NetworkConnection>): ReadonlyArray<string> =>
  networks.flatMap((network) => network._tag === "Tap" ? [network.tap] : [])

/**
 * The UUID of an instance's guest, by which its process is known again: the instance's id where that is one, else one
 * derived from it (version 8 of RFC 9562, from its SHA-256).
 */
export const uuid = (id: InstanceId): string => {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  const hash = createHash("sha256").update(`vivarium/${id}`).digest("hex")
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32)
  ].join("-")
}

/** A value within an argument of the form `name=value,…`. */
const escape = (value: string): string => value.replaceAll(",", ",,")

const json = (value: object): string => JSON.stringify(value)

/** The arguments of the emulator, without its name. The same guest always gets the same. */
export const make = (options: Options): ReadonlyArray<string> => {
  const { config, directory, kernel, spec } = options
  const tcg = options.accelerator === "tcg"
  return [
    // The process has the id in its name, as far as the kernel allows for (15 bytes).
    "-name",
    `guest=${spec.id},process=${`viv-${spec.id}`.slice(0, 15)}`,
    "-uuid",
    uuid(spec.id),
    "-pidfile",
    directory.pidFile,
    // Nothing but what is said here, and no processor runs before `cont`.
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-S",
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    // A guest that ends by itself is held until the reason has been recorded.
    "-action",
    "shutdown=pause,panic=pause",
    "-machine",
    // Without graphics the firmware's messages are on the console too.
    `q35,graphics=off${options.flash ? ",pflash0=flash-code,pflash1=flash-variables" : ""}`,
    "-accel",
    tcg ? `tcg,tb-size=${ByteSize.toBigInt(config.translationBuffer) / 1_048_576n}` : "kvm",
    "-cpu",
    tcg ? "max" : "host",
    "-smp",
    `cpus=${spec.vcpus}`,
    "-m",
    `size=${ByteSize.toBigInt(spec.memory) / 1_048_576n}M`,
    "-boot",
    "strict=on",
    "-chardev",
    `socket,id=qmp,path=${escape(directory.qmpSocket)},server=on,wait=off`,
    "-mon",
    "chardev=qmp,mode=control",
    "-chardev",
    `socket,id=console,path=${escape(directory.consoleSocket)},server=on,wait=off,` +
    `logfile=${escape(directory.consoleLog)}`,
    ...device({ driver: "isa-serial", id: "serial", chardev: "console" }),
    // By which a kernel tells that it panicked.
    ...device({ driver: "pvpanic", id: "panic" }),
    "-object",
    json({ "qom-type": "rng-random", id: "random", filename: "/dev/urandom" }),
    ...device({ driver: "virtio-rng-pci", id: "rng", rng: "random" }),
    ...flash(options),
    ...(kernel ? ["-kernel", kernel.path] : []),
    ...(kernel?.initrd === undefined ? [] : ["-initrd", kernel.initrd]),
    ...(spec.boot.kind === "kernel" && spec.boot.commandLine !== undefined ? ["-append", spec.boot.commandLine] : []),
    ...disks(options),
    ...volumes(options),
    ...nics(options.networks)
  ]
}

const device = (value: QemuDevices.Device): ReadonlyArray<string> => ["-device", json(value)]

const blockdev = (value: Blockdev): ReadonlyArray<string> => ["-blockdev", json(value)]

const file = (nodeName: string, path: string, readOnly: boolean): ReadonlyArray<string> =>
  blockdev({ driver: "raw", "node-name": nodeName, "read-only": readOnly, file: { driver: "file", filename: path } })

const flash = ({ flash }: Options): ReadonlyArray<string> =>
  flash === undefined
    ? []
    : [...file("flash-code", flash.code, true), ...file("flash-variables", flash.variables, false)]

/** The instance's own disks, which are soldered on: they can not be unplugged. */
const disks = (options: Options): ReadonlyArray<string> => [
  ...(options.disk === undefined ? [] : [
    ...blockdev(options.disk),
    ...device({ driver: "virtio-blk-pci", id: "disk", drive: "disk", serial: "disk", bootindex: 1 })
  ]),
  ...(options.seed === undefined ? [] : [
    ...file("seed", options.seed, true),
    ...device({ driver: "virtio-blk-pci", id: "seed", drive: "seed", serial: "seed" })
  ])
]

/** The ports, and the volumes in the first of them. */
const volumes = ({ config, spec: { boot }, volumes }: Options): ReadonlyArray<string> => [
  ...Array.from({ length: volumes.length + config.hotplugSlots }, (_, index) => QemuDevices.portDevice(index))
    .flatMap(device),
  ...volumes.flatMap(({ blockdev: node, volume }, index) => [
    ...blockdev(node),
    ...device({
      ...QemuDevices.volumeDevice(volume.id, index),
      // QEMU refuses a boot order next to a kernel of its own.
      ...(boot.kind === "volume" && boot.volume === volume.id ? { bootindex: 1 } : {})
    })
  ])
]

/** NetdevOptions of the QMP reference. */
interface Netdev {
  readonly type: string
  readonly id: string
  readonly [option: string]: string | boolean | ReadonlyArray<{ readonly str: string }>
}

const nics = (networks: ReadonlyArray<NetworkConnection>): ReadonlyArray<string> => {
  let descriptor = tapDescriptor
  return networks.flatMap((network, index) => {
    const id = `net${index}`
    const nic = { driver: "virtio-net-pci", id: `nic${index}`, mac: network.mac, romfile: "" }
    const connected = (netdev: Netdev) => ["-netdev", json(netdev), ...device({ ...nic, netdev: id })]
    switch (network._tag) {
      case "None":
        return device(nic)
      case "User":
        return connected({ type: "user", id, hostfwd: network.publish.map((port) => ({ str: forward(port) })) })
      case "Tap":
        return connected({ type: "tap", id, fd: `${descriptor++}`, vhost: false })
    }
  })
}

const forward = ({ guestPort, hostAddress, hostPort, protocol }: PublishedPort): string =>
  `${protocol}:${hostAddress ?? "127.0.0.1"}:${hostPort}-:${guestPort}`
