/**
 * An instance's network interfaces.
 */
import { Hash, Schema } from "effect"
import type { InstanceId } from "./InstanceId.ts"

/** A MAC address as six pairs of lower-case hexadecimal digits, not a multicast one. */
export const MacAddress = Schema.String.check(
  Schema.isPattern(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, {
    expected: "a unicast MAC address: six pairs of lower-case hexadecimal digits joined by ':'"
  })
)

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

/** An IPv4 address, dotted. */
export const Ipv4Address = Schema.String.check(
  Schema.isPattern(new RegExp(`^${octet}(\\.${octet}){3}$`), { expected: "an IPv4 address, such as 192.168.8.2" })
)

/** An IPv4 subnet in CIDR notation. */
export const Ipv4Subnet = Schema.String.check(
  Schema.isPattern(new RegExp(`^${octet}(\\.${octet}){3}/(3[0-2]|[12]?[0-9])$`), {
    expected: "an IPv4 subnet, such as 192.168.8.0/24"
  })
)

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))

/** A port of the host that leads to a port of the guest. */
export const PublishedPort = Schema.Struct({
  protocol: Schema.Literals(["tcp", "udp"]),
  /** The host's address to listen on. Default 127.0.0.1. */
  hostAddress: Schema.optionalKey(Ipv4Address),
  hostPort: Port,
  guestPort: Port
})

export type PublishedPort = typeof PublishedPort.Type

const identity = {
  /** The interface's own id, where the control plane gives it one. */
  id: Schema.optionalKey(Schema.NonEmptyString),
  /** Default: derived from the instance's id and the interface's position. */
  mac: Schema.optionalKey(MacAddress),
  address: Schema.optionalKey(Ipv4Address),
  subnet: Schema.optionalKey(Ipv4Subnet),
  gateway: Schema.optionalKey(Ipv4Address),
  /** The network it belongs to, by the control plane's name for it. */
  network: Schema.optionalKey(Schema.NonEmptyString),
  /** The node that concentrates the tenant's traffic, as START payloads name it. */
  concentrator: Schema.optionalKey(Schema.Struct({
    id: Schema.optionalKey(Schema.NonEmptyString),
    address: Schema.optionalKey(Ipv4Address)
  }))
}

/**
 * One network interface of an instance, by what it is connected to:
 * - `none`: a card without a cable.
 * - `user`: the virtualizer's user-mode network, which needs no privilege: outgoing connections and published ports.
 * - `tap`: an existing tap device of the host, by name.
 */
export const Nic = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("none"), ...identity }),
  Schema.Struct({
    kind: Schema.Literal("user"),
    ...identity,
    publish: Schema.optionalKey(Schema.Array(PublishedPort))
  }),
  Schema.Struct({
    kind: Schema.Literal("tap"),
    ...identity,
    /** The tap device's name: at most 15 characters, as the kernel has it. */
    tap: Schema.String.check(
      Schema.isPattern(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, {
        expected: "the name of a tap device, at most 15 characters"
      })
    )
  })
]).annotate({ expected: "a network interface: a mapping whose kind is none, user or tap" })

export type Nic = typeof Nic.Type

/** What one network interface is to be connected to, as a launcher hands it to a virtualizer. */
export type NetworkConnection =
  | { readonly _tag: "None"; readonly mac: string }
  | { readonly _tag: "User"; readonly mac: string; readonly publish: ReadonlyArray<PublishedPort> }
  | { readonly _tag: "Tap"; readonly mac: string; readonly tap: string }

/**
 * The MAC address of an interface that was not given one: locally administered, and the same for the same instance and
 * position at every boot, so that the guest's own configuration keeps matching it.
 */
const derivedMac = (id: string, index: number): string => {
  const hash = Hash.string(`${id}/${index}`) >>> 0
  const bytes = [0x52, 0x54, (hash >>> 24) & 0xff, (hash >>> 16) & 0xff, (hash >>> 8) & 0xff, hash & 0xff]
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":")
}

/** The connection that a spec's interface asks for. */
export const connection = (id: InstanceId, nic: Nic, index: number): NetworkConnection => {
  const mac = nic.mac ?? derivedMac(id, index)
  switch (nic.kind) {
    case "none":
      return { _tag: "None", mac }
    case "user":
      return { _tag: "User", mac, publish: nic.publish ?? [] }
    case "tap":
      return { _tag: "Tap", mac, tap: nic.tap }
  }
}
