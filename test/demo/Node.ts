/**
 * The demo's node: a launcher on a state directory, and QEMU.
 */
import { Layer } from "effect"
import * as QemuConfig from "../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../src/backend/qemu/QemuVirtualizer.ts"
import * as LauncherDirectory from "../../src/launcher/LauncherDirectory.ts"

/** How the node runs QEMU. All that it writes is in the state directory. */
export const config = (stateDirectory: string): QemuConfig.QemuConfig =>
  QemuConfig.QemuConfig.make({ stateDirectory, runtimeDirectory: `${stateDirectory}/run` })

/** The launcher and its virtualizers. */
export const layer = (stateDirectory: string) =>
  LauncherDirectory.layer(stateDirectory).pipe(Layer.provideMerge(QemuVirtualizer.layer(config(stateDirectory))))
