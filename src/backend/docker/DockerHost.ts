/**
 * What all containers of one node share.
 */
import type { Context, FileSystem, Path, Semaphore } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type * as EngineClient from "../../docker/EngineClient.ts"
import type { ContainerEvents } from "./ContainerEvents.ts"
import type { ContainerList } from "./ContainerList.ts"
import type { DockerConfig } from "./DockerConfig.ts"
import type { ImagePulls } from "./ImagePulls.ts"

/** The platform's services that running containers takes. */
export type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

export interface DockerHost {
  readonly config: DockerConfig
  readonly engine: EngineClient.Shape
  readonly events: ContainerEvents
  readonly list: ContainerList
  /** What nobody waits for is asked of the engine one at a time. */
  readonly leisure: Semaphore.Semaphore
  readonly pulls: ImagePulls
  /** Whether volumes can be mounted for containers, and whether also for those that run. */
  readonly volumes: "none" | "at-start" | "live"
  readonly services: Context.Context<Services>
}
