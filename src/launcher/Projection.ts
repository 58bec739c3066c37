/**
 * The state that users see: a projection of what is wanted, what is observed and what is being done.
 */
import type { InstanceState } from "../domain/InstanceState.ts"
import type { Step } from "./Decision.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
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
  const { connected, desired } = record
  if ((observed._tag === "Unknown" || observed._tag === "Launched") && observed.doubt !== undefined) {
    return { _tag: "Unknown", sinceMillis: observed.doubt.sinceMillis, why: observed.doubt.why }
  }
  if (desired.power === "deleted" || step._tag === "Stop") return stopping
  switch (observed._tag) {
    case "Unknown":
      return desired.power === "stopped" ? stopping : previous ?? pending
    case "Running":
      return observed.paused ? paused : running
    case "Launched":
      return !connected ? starting : desired.power === "paused" ? paused : running
    case "Foreign":
      return previous ?? pending
    case "Absent":
    case "ImageReady":
    case "Created":
    case "Removed":
      return desired.power === "stopped" ? atRest(record) : step._tag === "Launch" ? starting : preparing
  }
}

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
