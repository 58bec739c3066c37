/**
 * The state that users see: a projection of what is wanted, what is observed and what is being done.
 */
import type { InstanceState } from "../domain/InstanceState.ts"
import type { Step } from "./Decision.ts"
import { hasConnected, type InstanceRecord } from "./InstanceRecord.ts"
import { format } from "./RestartPolicy.ts"
import type { Situation } from "./Situation.ts"

const pending: InstanceState = { _tag: "Pending" }
const preparing: InstanceState = { _tag: "Preparing" }
const starting: InstanceState = { _tag: "Starting" }
const running: InstanceState = { _tag: "Running" }
const paused: InstanceState = { _tag: "Paused" }
const stopping: InstanceState = { _tag: "Stopping" }
const stopped: InstanceState = { _tag: "Stopped" }

/** The state of an instance that is about to take `step`; `previous` is what was published last. */
export const project = (
  { observed, record }: Situation,
  step: Step,
  previous: InstanceState | undefined
): InstanceState => {
  const { desired } = record
  if ((observed._tag === "Unknown" || observed._tag === "Launched") && observed.doubt !== undefined) {
    return { _tag: "Unknown", sinceMillis: observed.doubt.sinceMillis, why: observed.doubt.why }
  }
  if (desired.power === "deleted" || step._tag === "Stop") return stopping
  switch (observed._tag) {
    case "Unknown":
      return desired.power === "stopped" && desired.epoch > 0 ? stopping : previous ?? pending
    case "Running":
      return observed.paused ? paused : running
    case "Launched":
      return !hasConnected(record) ? starting : desired.power === "paused" ? paused : running
    case "Foreign":
      return previous ?? pending
    case "Absent":
    case "ImageReady":
    case "Created":
    case "Removed":
      if (desired.power === "stopped") return atRest(record)
      return step._tag === "Wait" ? restarting(record) : step._tag === "Launch" ? starting : preparing
  }
}

const restarting = ({ desired: { notBeforeMillis, restarts }, ended }: InstanceRecord): InstanceState => ({
  _tag: "Restarting",
  restarts,
  atMillis: notBeforeMillis,
  why: ended === null ? "" : format(ended.outcome)
})

const atRest = ({ desired, ended }: InstanceRecord): InstanceState => {
  if (ended === null || ended.epoch < desired.epoch) return stopped
  switch (ended.outcome._tag) {
    case "Stopped":
      return stopped
    case "Exited":
      return { _tag: "Exited", status: ended.outcome.status }
    case "Failed":
      return { _tag: "Failed", phase: ended.outcome.phase, reason: ended.outcome.code, detail: ended.outcome.detail }
  }
}
