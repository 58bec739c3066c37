/**
 * What a step teaches: situation × step × what came of it → situation. Pure: a step never touches its instance; the loop
 * applies what it learned, and only if the step was not overtaken.
 */
import * as ExitStatus from "../domain/ExitStatus.ts"
import type { Phase } from "../domain/Phase.ts"
import type { Ended, GuestEvent, GuestStatus, Probe } from "../Virtualizer.ts"
import type { Step } from "./Decision.ts"
import {
  type Desired,
  hasConnected,
  type InstanceRecord,
  isOver,
  isProvisional,
  type Outcome
} from "./InstanceRecord.ts"
import { InstanceExists, type Reason, StepFailed } from "./LauncherError.ts"
import * as RestartPolicy from "./RestartPolicy.ts"
import { type Doubt, isQuiescent, look, lookNow, type Observed, type Situation } from "./Situation.ts"

/** What a step that succeeded found or did. */
export type Learned =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Probed"; readonly probe: Probe }
  | { readonly _tag: "Connected"; readonly status: GuestStatus }
  /** The guest ended while the step waited for something else. */
  | { readonly _tag: "EndedMeanwhile"; readonly ended: Ended }

/** Why a step failed. */
export interface Failure {
  readonly phase: Phase
  readonly code: StepFailed["failure"]
  readonly detail: string
  /** What it says of the guest: that it is not there, or that nothing is known of it. */
  readonly guest: "gone" | "silent" | "unchanged"
}

/** A new situation, and what those who wait for the step that failed are told. */
export interface Lesson {
  readonly situation: Situation
  readonly failure?: Reason
}

/** When something is learned, and how what ended is started again. */
export interface Moment {
  readonly nowMillis: number
  readonly limits: RestartPolicy.RestartLimits
}

/** What a step that succeeded teaches. */
export const success = (situation: Situation, step: Step, learned: Learned, moment: Moment): Lesson => {
  if (learned._tag === "Probed") return probed(situation, learned.probe, moment)
  if (learned._tag === "EndedMeanwhile") {
    if (step._tag === "Watch" && learned.ended._tag === "Exited" && isHopeful(situation.record)) {
      const detail = `its guest ended before it connected: ${ExitStatus.format(learned.ended.status)}`
      return startFailed(
        situation.record,
        { _tag: "Created" },
        { phase: "connect", code: "launch_failure", detail },
        { ...moment, isAwaited: true }
      )
    }
    return { situation: ended(situation, learned.ended, moment) }
  }
  if (learned._tag === "Connected") {
    const { record } = situation
    return {
      situation: {
        record: hasConnected(record) ? record : { ...record, connectedMillis: moment.nowMillis },
        observed: { _tag: "Running", held: false, ...learned.status }
      }
    }
  }
  return { situation: done(situation, step, moment) }
}

const done = (situation: Situation, step: Step, moment: Moment): Situation => {
  const { observed, record } = situation
  const see = (observed: Observed): Situation => ({ record, observed })
  switch (step._tag) {
    case "EnsureImage":
      return see({ _tag: "ImageReady" })
    case "CreateImage":
      return see({ _tag: "Created" })
    case "Launch":
      return see({ _tag: "Launched", doubt: undefined })
    case "DeleteImage":
      return see({ _tag: "Removed" })
    case "Stop":
      // The monitor may have told the end, with its status, before the step returned.
      return observed._tag === "Created" ? situation : over(situation, { _tag: "Created" }, killed, moment)
    case "Pause":
    case "Resume":
      return observed._tag === "Running" ? see({ ...observed, paused: step._tag === "Pause", held: false }) : situation
    case "Attach":
      return observed._tag === "Running"
        ? see({ ...observed, volumes: [...observed.volumes.filter((id) => id !== step.volume.id), step.volume.id] })
        : situation
    case "Detach":
      return observed._tag === "Running"
        ? see({ ...observed, volumes: observed.volumes.filter((id) => id !== step.volume) })
        : situation
    case "Idle":
    case "Wait":
    case "Probe":
    case "Watch":
    case "Forget":
      return situation
  }
}

const killed: ExitStatus.ExitStatus = { _tag: "Killed", signal: "SIGKILL" }

const probed = (situation: Situation, probe: Probe, moment: Moment): Lesson => {
  const { observed, record } = situation
  const doubt = observed._tag === "Unknown" ? observed.doubt : undefined
  // A record says so before a guest is launched for it.
  const isForeign = probe._tag === "Running"
    ? record.boot === 0
    : probe._tag === "Created" && observed._tag === "Unknown" && observed.fresh
  if (isForeign) {
    return {
      situation: { record, observed: { _tag: "Foreign" } },
      failure: new InstanceExists({
        id: record.id,
        detail:
          `${probe._tag === "Running" ? "a running guest" : "a disk"} of that id is there that no record explains: ` +
          "move it away, or remove it, first"
      })
    }
  }
  switch (probe._tag) {
    case "Running":
      return {
        situation: {
          record: RestartPolicy.revived(record),
          // That it is there does not say that it answers, which it did once: it stays in doubt until it does again.
          observed: { _tag: "Launched", doubt: hasConnected(record) ? doubt : undefined }
        }
      }
    case "Absent":
    case "ImageReady":
      return { situation: unseenEnd(situation, { _tag: probe._tag }, ExitStatus.unknown, moment) }
    case "Created":
      return { situation: unseenEnd(situation, { _tag: "Created" }, probe.lastExit ?? ExitStatus.unknown, moment) }
  }
}

/**
 * No guest is there. If the last boot's had connected, it ended while nobody watched; if it never had, the launch was cut
 * short, and what is desired says whether to launch again.
 */
const unseenEnd = (
  situation: Situation,
  observed: Observed,
  status: ExitStatus.ExitStatus,
  moment: Moment
): Situation =>
  hasConnected(situation.record) && !isOver(situation.record)
    ? over(situation, observed, status, moment)
    : { record: situation.record, observed }

/** The guest of the latest boot is gone, proven. */
const over = (
  { record }: Situation,
  observed: Observed,
  status: ExitStatus.ExitStatus,
  moment: Moment
): Situation => {
  if (isOver(record)) return { record, observed }
  const { boot, desired } = record
  const isLatest = boot === desired.epoch
  const outcome: Outcome = { _tag: isLatest && wantsGuest(record) ? "Exited" : "Stopped", status }
  // The end of an earlier start's guest says nothing of the next.
  return {
    observed,
    record: isLatest ? finish(record, outcome, moment) : { ...record, ended: { epoch: boot, outcome } }
  }
}

const wantsGuest = ({ desired: { power } }: InstanceRecord): boolean => power === "running" || power === "paused"

/** Whether a guest that is wanted has yet to connect for the first time. */
const isHopeful = (record: InstanceRecord): boolean => !hasConnected(record) && wantsGuest(record)

/** A start is over; what is wanted from now on is for the restart policy to say, where nobody else has. */
const finish = (record: InstanceRecord, outcome: Outcome, { limits, nowMillis }: Moment): InstanceRecord =>
  wantsGuest(record)
    ? RestartPolicy.afterEnd(record, outcome, nowMillis, limits)
    : { ...record, ended: { epoch: record.desired.epoch, outcome } }

/** What the end of a monitor teaches. */
export const ended = (situation: Situation, end: Ended, moment: Moment): Situation =>
  end._tag === "Exited"
    ? over(situation, { _tag: "Created" }, end.status, moment)
    : {
      record: situation.record,
      observed: silent(situation.observed, end.cause, moment.nowMillis, moment.nowMillis)
    }

/** A guest is said to be there that no step launched: that is looked at. */
export const begun = ({ record }: Situation): Situation => ({ record, observed: lookNow })

/** What an event of the running guest teaches. */
export const event = (situation: Situation, event: GuestEvent): Situation => {
  const { observed, record } = situation
  if (observed._tag !== "Running" || event._tag === "Rebooted") return situation
  const paused = event._tag === "Paused"
  if (observed.paused === paused) return situation
  return { record, observed: { ...observed, paused, held: paused && record.desired.power === "running" } }
}

const doubtOf = (observed: Observed): Doubt | undefined =>
  observed._tag === "Unknown" || observed._tag === "Launched" ? observed.doubt : undefined

const silent = (observed: Observed, why: string, nowMillis: number, probeAtMillis: number): Observed => {
  const before = doubtOf(observed)
  const doubt = { sinceMillis: before?.sinceMillis ?? nowMillis, why, tries: (before?.tries ?? 0) + 1 }
  return { _tag: "Unknown", probeAtMillis, doubt, fresh: observed._tag === "Unknown" && observed.fresh }
}

/** Doubling from half a second to five seconds: what an engine that is back knows is known here a moment later. */
const backOffMillis = (tries: number): number => Math.min(5_000, 250 * 2 ** Math.min(tries, 10))

const tell = ({ id }: InstanceRecord, { code, detail, phase }: Omit<Failure, "guest">): Reason =>
  new StepFailed({ id, phase, failure: code, detail })

/** A start failed. What was never launched is undone, if somebody is there to be told why. */
const startFailed = (
  record: InstanceRecord,
  observed: Observed,
  failed: Omit<Failure, "guest">,
  moment: Pick<Circumstances, keyof Moment | "isAwaited">
): Lesson => ({
  failure: tell(record, failed),
  situation: {
    observed,
    record: isProvisional(record) && moment.isAwaited
      ? { ...record, desired: { ...record.desired, power: "deleted" } }
      : finish(record, { _tag: "Failed", phase: failed.phase, code: failed.code, detail: failed.detail }, moment)
  }
})

/** When a step failed, and for whom. */
export interface Circumstances extends Moment {
  /** Whether somebody waits for the start. */
  readonly isAwaited: boolean
  /** What was desired before the step was asked for, where that is known. */
  readonly before: Desired | undefined
}

/** What a step that failed teaches. */
export const failure = (
  situation: Situation,
  step: Step,
  failed: Failure,
  circumstances: Circumstances
): Lesson => {
  const { before, nowMillis } = circumstances
  const { observed, record } = situation
  const told = tell(record, failed)
  const again = (): Observed => {
    const tries = (doubtOf(observed)?.tries ?? 0) + 1
    return silent(observed, failed.detail, nowMillis, nowMillis + backOffMillis(tries))
  }
  switch (step._tag) {
    case "EnsureImage":
    case "CreateImage":
    case "Launch":
      return startFailed(record, lookNow, failed, circumstances)
    case "Watch":
      // A guest that ends, or does not answer, before it connects has failed to launch.
      if (isHopeful(record)) return startFailed(record, lookNow, failed, circumstances)
      // How it ended is for the probe to say.
      return { situation: { record, observed: failed.guest === "gone" ? lookNow : again() } }
    case "Attach": {
      const volumes = record.desired.volumes.filter((volume) => volume.id !== step.volume.id)
      return {
        failure: told,
        situation: {
          record: { ...record, desired: { ...record.desired, volumes } },
          observed: afterHotplug(failed, again)
        }
      }
    }
    case "Detach": {
      // Where it is not known how the guest has it, it may only read it from its next start on: that destroys nothing.
      const was = [...before?.volumes ?? [], ...record.spec.volumes].find(({ id }) => id === step.volume) ??
        { id: step.volume, readOnly: true }
      const volumes = [...record.desired.volumes, was]
      return {
        failure: told,
        situation: {
          record: { ...record, desired: { ...record.desired, volumes } },
          observed: afterHotplug(failed, again)
        }
      }
    }
    case "Pause":
    case "Resume":
      return {
        failure: told,
        situation: {
          record: wantsGuest(record)
            ? { ...record, desired: { ...record.desired, power: step._tag === "Pause" ? "running" : "paused" } }
            : record,
          observed: afterHotplug(failed, again)
        }
      }
    case "Probe":
    case "Stop":
    case "DeleteImage":
      return { situation: { record, observed: again() } }
    case "Idle":
    case "Wait":
    case "Forget":
      return { situation }
  }
}

/** A guest that refused a change is looked at again: what it has now is for it to say. */
const afterHotplug = (failed: Failure, again: () => Observed): Observed =>
  failed.guest === "gone" ? lookNow : failed.guest === "silent" ? again() : { _tag: "Launched", doubt: undefined }

/** What an interrupted step teaches: nothing but that it is time to look, unless its monitor told meanwhile. */
export const interrupted = (situation: Situation, step: Step): Situation => {
  const { observed, record } = situation
  switch (step._tag) {
    case "Idle":
    case "Wait":
    case "Probe":
      return situation
    case "Pause":
    case "Resume":
    case "Attach":
    case "Detach":
      return observed._tag === "Running" ? { record, observed: { _tag: "Launched", doubt: undefined } } : situation
    case "Stop":
      // The end of the guest is what makes a stop obsolete, and it is proven.
      return isQuiescent(observed) ? situation : { record, observed: look(doubtOf(observed)) }
    default:
      return { record, observed: look(doubtOf(observed)) }
  }
}
