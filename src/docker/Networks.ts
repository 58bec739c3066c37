/**
 * Calls about networks.
 */
import { Schema } from "effect"
import { Endpoint } from "./Containers.ts"
import * as EngineCall from "./EngineCall.ts"
import { segment } from "./EngineCall.ts"

const encodeEndpoint = Schema.encodeSync(Endpoint)

/** `POST /networks/{id}/connect`: one more network for a container. Fails with `NotFound` without one of them. */
export const connect = (network: string, container: string, endpoint: Endpoint) =>
  EngineCall.ask("POST", `/networks/${segment(network)}/connect`, {
    body: { Container: container, EndpointConfig: encodeEndpoint(endpoint) }
  })

/** `POST /networks/create`: a bridge with one IPv4 subnet. */
export const createBridge = (name: string, options: { readonly subnet: string; readonly gateway?: string }) =>
  EngineCall.make("POST", "/networks/create", Schema.Struct({ Id: Schema.String }), {
    body: {
      Name: name,
      Driver: "bridge",
      CheckDuplicate: true,
      IPAM: {
        Config: [{
          Subnet: options.subnet,
          ...(options.gateway === undefined ? {} : { Gateway: options.gateway })
        }]
      }
    }
  })

/** `DELETE /networks/{id}`. */
export const remove = (network: string) => EngineCall.ask("DELETE", `/networks/${segment(network)}`)
