/**
 * A launcher on a state directory of this host.
 */
import { type FileSystem, Layer, type Path } from "effect"
import type { Virtualizers } from "../Virtualizer.ts"
import type { StoreError } from "./InstanceStore.ts"
import * as InstanceStoreFile from "./InstanceStoreFile.ts"
import * as Launcher from "./Launcher.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import type { LauncherError } from "./LauncherError.ts"
import * as NodeResourcesLinux from "./NodeResourcesLinux.ts"
import * as VolumeResolverDirectory from "./VolumeResolverDirectory.ts"

/**
 * The launcher of `stateDirectory`, an absolute path, which is created where it does not exist: its records are files of
 * it, and volumes the files `volumes/ID.raw` and `volumes/ID.qcow2`. Fails, naming the holder, when another launcher has the
 * directory.
 */
export const layer = (
  stateDirectory: string,
  config?: LauncherConfig
): Layer.Layer<
  Launcher.Launcher,
  LauncherError | StoreError,
  FileSystem.FileSystem | Path.Path | Virtualizers
> =>
  Launcher.layer(config).pipe(
    Layer.provide([
      InstanceStoreFile.layer(stateDirectory),
      NodeResourcesLinux.layer(stateDirectory),
      VolumeResolverDirectory.layer(`${stateDirectory}/volumes`)
    ])
  )
