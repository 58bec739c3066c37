/**
 * The client to an engine of a test's own.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { type Duration, Layer } from "effect"
import * as EngineClient from "../../../src/docker/EngineClient.ts"
import * as EngineEndpoint from "../../../src/docker/EngineEndpoint.ts"

/** HTTP to an endpoint. Each has connections of its own. */
export const http = ({ connect }: EngineEndpoint.EngineEndpoint) =>
  Layer.fresh(
    Layer.provide(NodeHttpClient.layerUndiciNoDispatcher, NodeHttpClient.layerDispatcherOptions({ connect }))
  )

/** The client of an engine that listens at a unix socket. */
export const client = (socketPath: string, options: { readonly callDeadline?: Duration.Input } = {}) => {
  const endpoint = EngineEndpoint.unix(socketPath)
  return Layer.provide(EngineClient.layer({ endpoint, ...options }), http(endpoint))
}
