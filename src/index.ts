/**
 * The public names, as namespaces: what exists, the texts it is read from, the contract, and the launcher.
 *
 * What belongs to one technology or one platform is not here, so that importing the root loads none of it. It has paths
 * of its own: `vivarium/backend/qemu/QemuVirtualizer`, `vivarium/qmp/QmpClient`. What tests need is in `vivarium/testing` and
 * `vivarium/simulation`. Every module here has a path too, such as `vivarium/domain/InstanceSpec`.
 */
export * as Capabilities from "./domain/Capabilities.ts"
export * as CloudInit from "./domain/CloudInit.ts"
export * as ExitStatus from "./domain/ExitStatus.ts"
export * as Image from "./domain/Image.ts"
export * as InstanceEvent from "./domain/InstanceEvent.ts"
export * as InstanceId from "./domain/InstanceId.ts"
export * as InstanceInfo from "./domain/InstanceInfo.ts"
export * as InstanceSpec from "./domain/InstanceSpec.ts"
export * as InstanceState from "./domain/InstanceState.ts"
export * as Network from "./domain/Network.ts"
export * as NodeSample from "./domain/NodeSample.ts"
export * as NodeStatus from "./domain/NodeStatus.ts"
export * as Phase from "./domain/Phase.ts"
export * as Resources from "./domain/Resources.ts"
export * as SshPort from "./domain/SshPort.ts"
export * as Volume from "./domain/Volume.ts"
export * as Launcher from "./launcher/Launcher.ts"
export * as LauncherConfig from "./launcher/LauncherConfig.ts"
export * as LauncherDirectory from "./launcher/LauncherDirectory.ts"
export * as LauncherError from "./launcher/LauncherError.ts"
export * as Limits from "./launcher/Limits.ts"
export * as NodeResources from "./launcher/NodeResources.ts"
export * as StartBorder from "./launcher/StartBorder.ts"
export * as NativeSpec from "./payload/NativeSpec.ts"
export * as PayloadError from "./payload/PayloadError.ts"
export * as SeedCommands from "./payload/SeedCommands.ts"
export * as SeedReports from "./payload/SeedReports.ts"
export * as StartPayload from "./payload/StartPayload.ts"
export * as Virtualizer from "./Virtualizer.ts"
export * as VirtualizerError from "./VirtualizerError.ts"
