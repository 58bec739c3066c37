/**
 * What there is of one instance on a simulated host.
 */
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { Probe } from "../../Virtualizer.ts"
import type { ConsoleLog } from "./ConsoleLog.ts"
import type { Machine } from "./Machine.ts"

/** How much of a file is there. `partial` is what a launcher leaves that dies while it writes. */
export type Part = "absent" | "partial" | "whole"

export class Place {
  /** What it boots from. */
  image: Part = "absent"
  /** Its own disk, or what a guest takes that has none. */
  disk: Part = "absent"
  /** Its cloud-init seed. */
  hasSeed = false
  lastExit: ExitStatus | undefined
  machine: Machine | undefined
  /** What the last guest wrote on its console. */
  log: ConsoleLog | undefined

  /** Removes what a dead launcher left in half. */
  sweep(): void {
    if (this.image === "partial") this.image = "absent"
    if (this.disk === "partial") this.disk = "absent"
  }

  /** Removes all but a guest. */
  clear(): void {
    this.image = "absent"
    this.disk = "absent"
    this.hasSeed = false
    this.lastExit = undefined
  }

  get isEmpty(): boolean {
    return this.remains.length === 0
  }

  /** What a probe finds. */
  get probe(): Probe {
    if (this.machine !== undefined) return { _tag: "Running" }
    if (this.disk === "whole") return { _tag: "Created", lastExit: this.lastExit }
    return this.image === "whole" ? { _tag: "ImageReady" } : { _tag: "Absent" }
  }

  /** What is left of it, in words. */
  get remains(): ReadonlyArray<string> {
    const { disk, hasSeed, image, machine } = this
    return [
      ...(image === "absent" ? [] : [image === "whole" ? "image" : "partial image"]),
      ...(disk === "absent" ? [] : [disk === "whole" ? "disk" : "partial disk"]),
      ...(hasSeed ? ["seed"] : []),
      ...(machine === undefined ? [] : ["guest", ...(machine.isSevered ? [] : ["control socket"])])
    ]
  }
}
