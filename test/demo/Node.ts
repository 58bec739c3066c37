/**
 * The demo's node: a launcher on a state directory, and QEMU or a Docker Engine.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Layer } from "effect"
import * as DockerVirtualizer from "../../src/backend/docker/DockerVirtualizer.ts"
import * as QemuConfig from "../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../src/backend/qemu/QemuVirtualizer.ts"
import * as EngineClient from "../../src/docker/EngineClient.ts"
import * as EngineEndpoint from "../../src/docker/EngineEndpoint.ts"
import * as LauncherDirectory from "../../src/launcher/LauncherDirectory.ts"

/** How the node runs QEMU. All that it writes is in the state directory. */
export const config = (stateDirectory: string): QemuConfig.QemuConfig =>
  QemuConfig.QemuConfig.make({ stateDirectory, runtimeDirectory: `${stateDirectory}/run` })

/** The launcher and QEMU. */
export const qemu = (stateDirectory: string) =>
  LauncherDirectory.layer(stateDirectory).pipe(Layer.provideMerge(QemuVirtualizer.layer(config(stateDirectory))))

/** The launcher and the engine at a socket, whose containers see what is mounted in a directory. */
export const docker = (stateDirectory: string, socketPath: string, volumesDirectory: string) => {
  const endpoint = EngineEndpoint.unix(socketPath)
  return LauncherDirectory.layer(stateDirectory).pipe(
    Layer.provideMerge(DockerVirtualizer.layer({ stateDirectory, volumesDirectory })),
    Layer.provide(EngineClient.layer({ endpoint })),
    Layer.provide(NodeHttpClient.layerUndiciNoDispatcher),
    Layer.provide(NodeHttpClient.layerDispatcherOptions({ connect: endpoint.connect }))
  )
}
