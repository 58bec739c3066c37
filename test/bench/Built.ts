/**
 * The built package, as its users get it, with the types of its sources: what is measured.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Layer } from "effect"
import type * as DockerVirtualizerModule from "../../src/backend/docker/DockerVirtualizer.ts"
import type * as HostUserModule from "../../src/backend/qemu/HostUser.ts"
import type * as QemuConfigModule from "../../src/backend/qemu/QemuConfig.ts"
import type * as QemuVirtualizerModule from "../../src/backend/qemu/QemuVirtualizer.ts"
import type * as SimulationVirtualizerModule from "../../src/backend/simulation/SimulationVirtualizer.ts"
import type * as EngineClientModule from "../../src/docker/EngineClient.ts"
import type * as EngineEndpointModule from "../../src/docker/EngineEndpoint.ts"
import type * as InstanceStoreFileModule from "../../src/launcher/InstanceStoreFile.ts"
import type * as InstanceStoreMemoryModule from "../../src/launcher/InstanceStoreMemory.ts"
import type * as LauncherModule from "../../src/launcher/Launcher.ts"
import type * as LauncherConfigModule from "../../src/launcher/LauncherConfig.ts"
import type * as LauncherDirectoryModule from "../../src/launcher/LauncherDirectory.ts"
import * as Limits from "../../src/launcher/Limits.ts"
import type * as NodeResourcesFixedModule from "../../src/launcher/NodeResourcesFixed.ts"
import type * as VolumeResolverModule from "../../src/launcher/VolumeResolver.ts"
import type * as VirtualClockModule from "../../src/testing/VirtualClock.ts"

const load = async (module: string) => await import(new URL(`../../dist/${module}.js`, import.meta.url).href)

const DockerVirtualizer: typeof DockerVirtualizerModule = await load("backend/docker/DockerVirtualizer")
const EngineClient: typeof EngineClientModule = await load("docker/EngineClient")
const EngineEndpoint: typeof EngineEndpointModule = await load("docker/EngineEndpoint")
export const HostUser: typeof HostUserModule = await load("backend/qemu/HostUser")
export const QemuConfig: typeof QemuConfigModule = await load("backend/qemu/QemuConfig")
export const QemuVirtualizer: typeof QemuVirtualizerModule = await load("backend/qemu/QemuVirtualizer")
export const SimulationVirtualizer: typeof SimulationVirtualizerModule = await load(
  "backend/simulation/SimulationVirtualizer"
)
export const InstanceStoreFile: typeof InstanceStoreFileModule = await load("launcher/InstanceStoreFile")
export const InstanceStoreMemory: typeof InstanceStoreMemoryModule = await load("launcher/InstanceStoreMemory")
export const Launcher: typeof LauncherModule = await load("launcher/Launcher")
export const LauncherConfig: typeof LauncherConfigModule = await load("launcher/LauncherConfig")
export const LauncherDirectory: typeof LauncherDirectoryModule = await load("launcher/LauncherDirectory")
export const NodeResourcesFixed: typeof NodeResourcesFixedModule = await load("launcher/NodeResourcesFixed")
export const VolumeResolver: typeof VolumeResolverModule = await load("launcher/VolumeResolver")
export const VirtualClock: typeof VirtualClockModule = await load("testing/VirtualClock")

/** How the node of a bench runs QEMU. `roots` is where kernels and images are. */
export const config = (stateDirectory: string, roots: ReadonlyArray<string>) =>
  QemuConfig.QemuConfig.make({ stateDirectory, roots, runtimeDirectory: `${stateDirectory}/run` })

/** A launcher whose records are files, synced as they are written, and QEMU. */
export const node = (config: QemuConfigModule.QemuConfig) =>
  LauncherDirectory.layer(config.stateDirectory).pipe(Layer.provide(QemuVirtualizer.layer(config)))

/** The same with the engine that listens at a socket, for more containers than the machine has processors for. */
export const dockerNode = (stateDirectory: string, socketPath: string) => {
  const endpoint = EngineEndpoint.unix(socketPath)
  const config = LauncherConfig.LauncherConfig.make({ limits: Limits.none })
  return LauncherDirectory.layer(stateDirectory, config).pipe(
    Layer.provide(DockerVirtualizer.layer({ stateDirectory })),
    Layer.provide(EngineClient.layer({ endpoint })),
    Layer.provide(NodeHttpClient.layerUndiciNoDispatcher),
    Layer.provide(NodeHttpClient.layerDispatcherOptions({ connect: endpoint.connect }))
  )
}
