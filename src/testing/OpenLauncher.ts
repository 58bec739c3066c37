/**
 * A launcher of a simulated node, as those see it who ask it and follow it.
 */
import type { Fence } from "../backend/simulation/Fence.ts"
import type { Launcher } from "../launcher/Launcher.ts"

export interface OpenLauncher {
  readonly launcher: Launcher["Service"]
  /** Nothing that the launcher says after its fence was cut reaches anybody. */
  readonly fence: Fence
}
