/**
 * What to do next: desired × observed → step. Pure, total, and the only place that knows.
 */
import { Duration } from "effect"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import { hasConnected, type InstanceRecord } from "./InstanceRecord.ts"
import type { Observed, Situation } from "./Situation.ts"

/** One step towards what is desired. */
export type Step =
  /** All is as desired. */
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Wait"; readonly untilMillis: number }
  | { readonly _tag: "Probe" }
  | { readonly _tag: "EnsureImage" }
  | { readonly _tag: "CreateImage" }
  /** Launches the guest of one start: that of the next start is another. */
  | { readonly _tag: "Launch"; readonly epoch: number }
  /** Takes hold of a guest, and waits until it has connected. */
  | { readonly _tag: "Watch" }
  | { readonly _tag: "Pause" }
  | { readonly _tag: "Resume" }
  | { readonly _tag: "Attach"; readonly volume: VolumeSpec }
  | { readonly _tag: "Detach"; readonly volume: VolumeId }
  /** Ends the guest; a grace of zero does not ask it. */
  | { readonly _tag: "Stop"; readonly graceMillis: number }
  | { readonly _tag: "DeleteImage" }
  /** Removes the record, and with it the instance. */
  | { readonly _tag: "Forget" }

const idle: Step = { _tag: "Idle" }
const stopNow: Step = { _tag: "Stop", graceMillis: 0 }

/**
 * How often a guest that is to stop, and that connected once, may refuse to be watched before it is ended by force: being
 * asked is no use to one that does not answer.
 */
const watchTries = 2

/** The next step. The same situation always gives an equal step. */
export const decide = (situation: Situation, nowMillis: number): Step => {
  const { observed, record: { desired } } = situation
  if (observed._tag === "Unknown") {
    // Nothing was done for it yet; what may be there all the same is not its own.
    if (observed.fresh && desired.power === "deleted") return { _tag: "Forget" }
    return observed.probeAtMillis > nowMillis
      ? { _tag: "Wait", untilMillis: observed.probeAtMillis }
      : { _tag: "Probe" }
  }
  if (observed._tag === "Foreign") return { _tag: "Forget" }
  switch (desired.power) {
    case "deleted":
      return towardsDeleted(observed)
    case "stopped":
      return towardsStopped(situation, observed)
    case "running":
    case "paused":
      return towardsRunning(situation, observed, nowMillis)
  }
}

type Known = Exclude<Observed, { readonly _tag: "Unknown" | "Foreign" }>

const towardsDeleted = (observed: Known): Step => {
  switch (observed._tag) {
    case "Launched":
    case "Running":
      return stopNow
    case "Absent":
    case "ImageReady":
    case "Created":
      return { _tag: "DeleteImage" }
    case "Removed":
      return { _tag: "Forget" }
  }
}

const towardsStopped = ({ record }: Situation, observed: Known): Step => {
  switch (observed._tag) {
    case "Launched":
    case "Running":
      return towardsEnd(record, observed)
    case "Absent":
    case "ImageReady":
    case "Created":
    case "Removed":
      return idle
  }
}

/** A guest is asked to end, if it ever answered: and for that it is taken hold of. */
const towardsEnd = (
  record: InstanceRecord,
  observed: Extract<Known, { readonly _tag: "Launched" | "Running" }>
): Step => {
  if (observed._tag === "Launched") {
    return hasConnected(record) && (observed.doubt?.tries ?? 0) < watchTries ? { _tag: "Watch" } : stopNow
  }
  return { _tag: "Stop", graceMillis: hasConnected(record) ? Duration.toMillis(record.spec.stopGrace) : 0 }
}

const towardsRunning = ({ record }: Situation, observed: Known, nowMillis: number): Step => {
  const { boot, desired } = record
  switch (observed._tag) {
    case "Absent":
    case "Removed":
    case "ImageReady":
    case "Created":
      return desired.notBeforeMillis > nowMillis
        ? { _tag: "Wait", untilMillis: desired.notBeforeMillis }
        : towardsLaunch(observed._tag, desired.epoch)
    case "Launched":
      return boot === desired.epoch ? { _tag: "Watch" } : towardsEnd(record, observed)
    case "Running": {
      // It is to be started anew.
      if (boot !== desired.epoch) return towardsEnd(record, observed)
      const wanted = desired.volumes.find((volume) => !observed.volumes.includes(volume.id))
      if (wanted !== undefined) return { _tag: "Attach", volume: wanted }
      const unwanted = observed.volumes.find((id) => !desired.volumes.some((volume) => volume.id === id))
      if (unwanted !== undefined) return { _tag: "Detach", volume: unwanted }
      if (desired.power === "paused" && !observed.paused) return { _tag: "Pause" }
      if (desired.power === "running" && observed.paused && !observed.held) return { _tag: "Resume" }
      return idle
    }
  }
}

const towardsLaunch = (observed: "Absent" | "Removed" | "ImageReady" | "Created", epoch: number): Step => {
  switch (observed) {
    case "Absent":
    case "Removed":
      return { _tag: "EnsureImage" }
    case "ImageReady":
      return { _tag: "CreateImage" }
    case "Created":
      return { _tag: "Launch", epoch }
  }
}

/** Whether two steps are the same, so that the one in flight still leads to what is desired. */
export const isSame = (a: Step, b: Step): boolean => {
  switch (a._tag) {
    case "Launch":
      return b._tag === "Launch" && a.epoch === b.epoch
    case "Attach":
      return b._tag === "Attach" && a.volume.id === b.volume.id
    case "Detach":
      return b._tag === "Detach" && a.volume === b.volume
    case "Stop":
      return b._tag === "Stop" && a.graceMillis === b.graceMillis
    case "Wait":
      return b._tag === "Wait" && a.untilMillis === b.untilMillis
    default:
      return a._tag === b._tag
  }
}

/** Whether a step in flight still leads to what is desired. A wait is over when its time has come, not when that is found. */
export const isWanted = (step: Step, situation: Situation, nowMillis: number): boolean => {
  const atMillis = step._tag === "Wait" ? Math.min(nowMillis, step.untilMillis - 1) : nowMillis
  return isSame(decide(situation, atMillis), step)
}
