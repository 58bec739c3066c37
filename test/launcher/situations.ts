/** Every kind of situation that a loop can be in, for tables. */
import type { Desired, InstanceRecord } from "../../src/launcher/InstanceRecord.ts"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import type { Moment } from "../../src/launcher/Learning.ts"
import type { Observed, Situation } from "../../src/launcher/Situation.ts"
import { spec, volume } from "./TestNode.ts"

export type Power = Desired["power"]

export const powers: ReadonlyArray<Power> = ["running", "paused", "stopped", "deleted"]

export const disk = { id: volume("disk") }
export const now = 10_000

/** When something is learned, by a launcher with the usual limits. */
export const momentAt = (nowMillis: number): Moment => ({ nowMillis, limits: LauncherConfig.make({}) })

export const moment = momentAt(now)

const doubt = { sinceMillis: 1_000, why: "silent", tries: 1 }

/** Each with its name. */
export const observations: Readonly<Record<string, Observed>> = {
  "to be looked at": { _tag: "Unknown", probeAtMillis: 0, doubt: undefined, fresh: false },
  "just accepted": { _tag: "Unknown", probeAtMillis: 0, doubt: undefined, fresh: true },
  "silent, to be looked at": { _tag: "Unknown", probeAtMillis: now, doubt, fresh: false },
  "silent, to be looked at later": { _tag: "Unknown", probeAtMillis: now + 1, doubt, fresh: false },
  Foreign: { _tag: "Foreign" },
  Absent: { _tag: "Absent" },
  ImageReady: { _tag: "ImageReady" },
  Created: { _tag: "Created" },
  Launched: { _tag: "Launched", doubt: undefined },
  "Launched, silent once": { _tag: "Launched", doubt },
  "Launched, silent twice": { _tag: "Launched", doubt: { ...doubt, tries: 2 } },
  Running: { _tag: "Running", paused: false, held: false, volumes: [] },
  "Running, paused": { _tag: "Running", paused: true, held: false, volumes: [] },
  "Running, paused by itself": { _tag: "Running", paused: true, held: true, volumes: [] },
  "Running with a disk": { _tag: "Running", paused: false, held: false, volumes: [disk.id] },
  Removed: { _tag: "Removed" }
}

/** A record of an instance that runs in its second start, unless it says otherwise. */
export const record = (
  { desired, ...more }: Partial<Omit<InstanceRecord, "desired">> & { readonly desired?: Partial<Desired> } = {}
): InstanceRecord => ({
  ...initial(spec("a1")),
  revision: 7,
  boot: 2,
  connectedMillis: 2_000,
  ...more,
  desired: { power: "running", epoch: 2, volumes: [], restarts: 0, notBeforeMillis: 0, ...desired }
})

/** Every power × observation, for a boot that connected, one that did not, and one of an earlier start. */
export const all: ReadonlyArray<Situation> = powers.flatMap((power) =>
  Object.values(observations).flatMap((observed) =>
    [
      record({ desired: { power } }),
      record({ desired: { power }, connectedMillis: null }),
      record({ desired: { power, epoch: 3 } }),
      record({ desired: { power, epoch: 1 }, boot: 0, connectedMillis: null }),
      record({ desired: { power, volumes: [disk] } })
    ].map((record) => ({ observed, record }))
  )
)
