/**
 * The names that a guest's devices have within QEMU, and the PCI Express ports that volumes are plugged into. The command
 * line, live attaching and what is read back from QEMU agree on them by these functions.
 */
import { createHash } from "node:crypto"
import type { VolumeId } from "../../domain/Volume.ts"

/** A device as `-device` and `device_add` take it. */
export interface Device {
  readonly driver: string
  readonly id: string
  readonly [property: string]: string | number | boolean
}

/** The id of a volume's device. */
export const volumeDeviceId = (id: VolumeId): string => `volume-${id}`

/** The name of a volume's block node: a hash, since QEMU allows for 31 bytes and a volume id is longer. */
export const volumeNode = (id: VolumeId): string =>
  `volume-${createHash("sha256").update(id).digest("hex").slice(0, 24)}`

/** Whether a block node is a volume's, by its name. */
export const isVolumeNode = (name: string): boolean => /^volume-[0-9a-f]{24}$/.test(name)

/** The volume of a device, from its QOM path as `query-block` has it; none for other devices. */
export const volumeOfPath = (path: string): string | undefined =>
  /^\/machine\/peripheral\/volume-([^/]+)(\/|$)/.exec(path)?.[1]

/**
 * The id of the port that a volume is plugged into. Ports 0 to `n - 1` are those of the volumes that the guest is launched
 * with, in their order.
 */
export const port = (index: number): string => `port${index}`

/** The QOM path of the bus behind a port. A plugged device is a link `child[0]` of it. */
export const portBus = (index: number): string => `/machine/peripheral/${port(index)}/${port(index)}`

/** How many ports there can be: slots 0x10 to 0x1e of the root bus, eight functions each. */
export const portsMax = 120

/**
 * The device of a port (`pcie-root-port`), which one device can be plugged into: the root bus of `q35` itself takes none
 * while the guest runs. A port asks for no I/O addresses, of which there are only enough for a dozen.
 */
export const portDevice = (index: number): Device => ({
  driver: "pcie-root-port",
  id: port(index),
  bus: "pcie.0",
  addr: `${(0x10 + Math.floor(index / 8)).toString(16)}.${index % 8}`,
  multifunction: index % 8 === 0,
  chassis: index + 1,
  slot: index + 1,
  "io-reserve": 0
})

/**
 * The device of a volume. The guest sees the first 20 characters of its id as the serial number, which is all that
 * virtio holds.
 */
export const volumeDevice = (id: VolumeId, index: number): Device => ({
  driver: "virtio-blk-pci",
  id: volumeDeviceId(id),
  bus: port(index),
  drive: volumeNode(id),
  serial: id.slice(0, 20)
})
