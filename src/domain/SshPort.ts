/**
 * Where an instance's SSH is reached from outside of its tenant's network.
 */
import { Option, Schema } from "effect"
import { Ipv4Address } from "./Network.ts"

const decodeAddress = Schema.decodeUnknownOption(Ipv4Address)

/**
 * The port of the concentrator that leads to an instance's SSH, as the seed system numbers them: 33000 + 256 × the
 * third byte + the fourth byte of its address. 0 where there is none: for network nodes, without an IPv4 address, and
 * where the number would not be a port.
 */
export const sshPort = (instance: {
  readonly networkNode: boolean
  readonly address: string | undefined
}): number => {
  if (instance.networkNode || instance.address === undefined) return 0
  const address = decodeAddress(instance.address)
  if (Option.isNone(address)) return 0
  const [, , third = 0, fourth = 0] = address.value.split(".").map(Number)
  const port = 33_000 + 256 * third + fourth
  return port < 65_535 ? port : 0
}
