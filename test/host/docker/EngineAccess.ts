/**
 * The client to an engine of a test's own.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { type Duration, Layer } from "effect"
import * as EngineClient from "../../../src/docker/EngineClient.ts"
import * as EngineEndpoint from "../../../src/docker/EngineEndpoint.ts"

/** The client of an engine that listens at a unix socket. Each has connections of its own. */
export const client = (socketPath: string, options: { readonly callDeadline?: Duration.Input } = {}) => {
  const endpoint = EngineEndpoint.unix(socketPath)
  const { connect } = endpoint
  return EngineClient.layer({ endpoint, ...options }).pipe(
    Layer.provide(Layer.fresh(
      Layer.provide(NodeHttpClient.layerUndiciNoDispatcher, NodeHttpClient.layerDispatcherOptions({ connect }))
    ))
  )
}
