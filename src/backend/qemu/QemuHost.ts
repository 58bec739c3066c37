/**
 * What all guests of one node share.
 */
import type { Context, FileSystem, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { HostUser } from "./HostUser.ts"
import type { QemuConfig } from "./QemuConfig.ts"

/** The platform's services that running guests takes. */
export type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

export interface QemuHost {
  readonly config: QemuConfig
  /** Whom guests run as. */
  readonly user: HostUser
  /** The PATH that guests' processes are started with. */
  readonly searchPath: string
  readonly services: Context.Context<Services>
}
