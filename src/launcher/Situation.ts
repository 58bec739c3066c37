/**
 * What one instance's loop knows: the record, and what was last observed. All decisions are made from it.
 */
import { Duration } from "effect"
import type { VolumeId } from "../domain/Volume.ts"
import { hasConnected, type InstanceRecord } from "./InstanceRecord.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"

/** Why an instance's guest can not be reached, since when, and how often that was tried. */
export interface Doubt {
  readonly sinceMillis: number
  readonly why: string
  readonly tries: number
}

/**
 * What was observed last, each with what the next step needs.
 * - `Unknown`: not known; to be looked at from `probeAtMillis` on.
 * - `Foreign`: files or a guest are there that no record explains. They are left alone.
 * - `Absent`, `ImageReady`, `Created`: no guest, and how far its preparation has come.
 * - `Launched`: a guest is there, and nobody watches it.
 * - `Running`: a guest is there and a monitor holds it. `held` says that it paused without having been asked to: it is
 *   resumed on command only.
 * - `Removed`: nothing is left but the record.
 */
export type Observed =
  | {
    readonly _tag: "Unknown"
    readonly probeAtMillis: number
    /** Absent when nothing is wrong: it only has not been looked at. */
    readonly doubt: Doubt | undefined
    /** Nothing may be there yet: this launcher has just accepted the instance. */
    readonly fresh: boolean
  }
  | { readonly _tag: "Foreign" }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "ImageReady" }
  | { readonly _tag: "Created" }
  | { readonly _tag: "Launched"; readonly doubt: Doubt | undefined }
  | {
    readonly _tag: "Running"
    readonly paused: boolean
    readonly held: boolean
    readonly volumes: ReadonlyArray<VolumeId>
  }
  | { readonly _tag: "Removed" }

/** All that is known of an instance. */
export interface Situation {
  readonly record: InstanceRecord
  readonly observed: Observed
}

/** To be looked at now. */
export const look = (doubt: Doubt | undefined): Observed => ({ _tag: "Unknown", probeAtMillis: 0, doubt, fresh: false })

/** To be looked at now; nothing is known to be wrong. */
export const lookNow: Observed = look(undefined)

/** A new instance. */
export const fresh = (record: InstanceRecord): Situation => ({
  record,
  observed: { _tag: "Unknown", probeAtMillis: 0, doubt: undefined, fresh: true }
})

/**
 * An instance found on disk: nothing is taken for granted until it has been looked at. Where a guest is to be expected, to
 * take hold of it is to look. A start waits no longer than `restartDelayMax`, whatever the clock was when that was written.
 */
export const recovered = (
  found: InstanceRecord,
  nowMillis: number,
  { restartDelayMax }: Pick<LauncherConfig, "restartDelayMax">
): Situation => {
  const latestMillis = nowMillis + Duration.toMillis(restartDelayMax)
  const record = found.desired.notBeforeMillis <= latestMillis
    ? found
    : { ...found, desired: { ...found.desired, notBeforeMillis: latestMillis } }
  const doubt = { sinceMillis: nowMillis, why: "the launcher has just begun, and is looking", tries: 0 }
  const expectsGuest = hasConnected(record) && (record.ended === null || record.ended.epoch < record.boot)
  return { record, observed: expectsGuest ? { _tag: "Launched", doubt } : look(doubt) }
}

/** Whether a guest is there, as far as is known. */
export const hasGuest = ({ observed }: Situation): boolean =>
  observed._tag === "Running" || observed._tag === "Launched"

/** Whether it is certain that no guest is there. */
export const isQuiescent = (observed: Observed): boolean =>
  observed._tag === "Absent" || observed._tag === "ImageReady" || observed._tag === "Created" ||
  observed._tag === "Removed" || observed._tag === "Foreign"
