/**
 * What a node has.
 */
import { Schema } from "effect"

const Bytes = Schema.Natural

/** A network interface of a node. */
export const Nic = Schema.Struct({
  name: Schema.String,
  /** Six bytes in hexadecimal with colons. */
  mac: Schema.String,
  /** IPv4 and IPv6, without the length of the prefix and without those that lead no further than the link. */
  addresses: Schema.Array(Schema.String)
})

export type Nic = typeof Nic.Type

/** What a node has at one moment. */
export const NodeSample = Schema.Struct({
  hostname: Schema.String,
  /** What the launcher and its guests may use in all: the machine's memory, or less where the launcher is limited. */
  memoryTotalBytes: Bytes,
  /** What they may still use without swapping. */
  memoryAvailableBytes: Bytes,
  /** Size of the state directory's file system. */
  diskTotalBytes: Bytes,
  /** What others than root may still use of it. */
  diskAvailableBytes: Bytes,
  /** How many processes ran or waited to run, on average over one minute. */
  loadAverage: Schema.Finite,
  /** The processors that the launcher may run on. */
  cpusOnline: Schema.Int,
  /** How many descriptors the launcher may have open. */
  descriptorsMax: Schema.Int,
  /** The interfaces that are up and have such an address, but for loopback. */
  nics: Schema.Array(Nic)
})

export type NodeSample = typeof NodeSample.Type
