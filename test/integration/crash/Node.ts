/**
 * The node of a launcher that is to be killed, or whose disk is to fail: a launcher on a state directory, and QEMU.
 */
import { Layer } from "effect"
import * as QemuConfig from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"

/** The launcher and its virtualizers. All that they write is in the state directory. */
export const layer = (stateDirectory: string) =>
  LauncherDirectory.layer(stateDirectory).pipe(
    Layer.provide(
      QemuVirtualizer.layer(
        QemuConfig.QemuConfig.make({ stateDirectory, runtimeDirectory: `${stateDirectory}/run`, accelerator: "tcg" })
      )
    )
  )
