/**
 * A node: a launcher on a state directory, with what it needs to run virtual machines.
 */
import { Effect, Layer, Path } from "effect"
import * as QemuConfig from "../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../src/backend/qemu/QemuVirtualizer.ts"
import * as InstanceStoreFile from "../../src/launcher/InstanceStoreFile.ts"
import * as Launcher from "../../src/launcher/Launcher.ts"
import * as VolumeResolverDirectory from "../../src/launcher/VolumeResolverDirectory.ts"
import { Virtualizers } from "../../src/Virtualizer.ts"

/** How the node runs QEMU. */
export const config = (stateDirectory: string): QemuConfig.QemuConfig =>
  QemuConfig.QemuConfig.make({ stateDirectory, runtimeDirectory: `${stateDirectory}/run` })

/** The launcher of a state directory and its virtualizers. Volumes are in the directory's `volumes`. */
export const layer = (stateDirectory: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const { join } = yield* Path.Path
    const virtualizers = Layer.effect(
      Virtualizers,
      Effect.map(QemuVirtualizer.make(config(stateDirectory)), (qemu) => new Map([[qemu.name, qemu]]))
    )
    return Launcher.layer().pipe(
      Layer.provideMerge(virtualizers),
      Layer.provide([
        InstanceStoreFile.layer(stateDirectory),
        VolumeResolverDirectory.layer(join(stateDirectory, "volumes"))
      ])
    )
  }))
