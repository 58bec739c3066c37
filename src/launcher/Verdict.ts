/**
 * What a waiting caller is told: waiter × situation → answer, or nothing yet.
 */
import { Exit } from "effect"
import type { Step } from "./Decision.ts"
import {
  fail,
  InstanceFailure,
  type LauncherError,
  NoInstance,
  type Reason,
  StepFailed,
  Superseded
} from "./LauncherError.ts"
import { isQuiescent, type Situation } from "./Situation.ts"
import { type Command, isPower, isStart } from "./Wish.ts"

/** Somebody who waits for a command, and what is known of it. */
export interface Waiting {
  readonly command: Command
  /** The start that it asks for or belongs to. */
  readonly epoch: number
  /** What took over from it. */
  readonly superseded: Superseded["by"] | undefined
  /** What failed. */
  readonly failure: Reason | undefined
}

export type Answer = Exit.Exit<void, LauncherError>

const refuse = (reason: Reason): Answer => Exit.fail(fail(reason))

/** The answer to a caller while its instance lives; the end of the loop answers the others. */
export const verdict = (waiting: Waiting, situation: Situation, step: Step): Answer | undefined => {
  const { observed, record } = situation
  const { command } = waiting
  if (waiting.superseded !== undefined) return refuse(new Superseded({ id: record.id, by: waiting.superseded }))
  // An instance that is being undone answers when it is gone.
  if (record.desired.power === "deleted" || observed._tag === "Foreign") return undefined
  if (waiting.failure !== undefined) return isSettled(situation) ? refuse(waiting.failure) : undefined
  switch (command._tag) {
    case "Delete":
      return undefined
    case "Create":
      return observed._tag === "Unknown" && observed.fresh ? undefined : Exit.void
    case "Stop":
    case "Withdraw":
      return isQuiescent(observed) ? Exit.void : undefined
    case "Start":
    case "Restart":
      if (observed._tag === "Running") return record.boot >= waiting.epoch ? Exit.void : undefined
      return isQuiescent(observed) && step._tag === "Idle" ? refuse(whyNotRunning(situation)) : undefined
    case "Pause":
    case "Resume":
      if (observed._tag === "Running") return observed.paused === (command._tag === "Pause") ? Exit.void : undefined
      return isQuiescent(observed) && step._tag === "Idle" ? refuse(whyNotRunning(situation)) : undefined
    case "Attach":
    case "Detach": {
      if (observed._tag === "Running" && record.desired.power !== "stopped") {
        const id = command._tag === "Attach" ? command.volume.id : command.volume
        return observed.volumes.includes(id) === (command._tag === "Attach") ? Exit.void : undefined
      }
      // It has it at its next start, whenever that is.
      return isQuiescent(observed) && (step._tag === "Idle" || step._tag === "Wait") ? Exit.void : undefined
    }
  }
}

/** Whether the failure of a step is an answer to a command. */
export const concerns = (step: Step, command: Command): boolean => {
  switch (step._tag) {
    case "Probe":
      // It fails an instance that is not one: others than who would have it learn that there is none.
      return command._tag === "Start" || command._tag === "Create"
    case "EnsureImage":
    case "CreateImage":
    case "Launch":
    case "Watch":
      return isStart(command) || command._tag === "Pause" || command._tag === "Resume"
    case "Attach":
      return command._tag === "Attach" && command.volume.id === step.volume.id
    case "Detach":
      return command._tag === "Detach" && command.volume === step.volume
    case "Pause":
    case "Resume":
      return command._tag === step._tag
    default:
      return false
  }
}

/** Whether a step is taken for a command. */
export const isFor = (step: Step, command: Command): boolean => {
  switch (step._tag) {
    case "EnsureImage":
    case "CreateImage":
    case "Launch":
    case "Watch":
      return isStart(command)
    case "Stop":
    case "DeleteImage":
    case "Forget":
      return isPower(command) || command._tag === "Restart" || command._tag === "Withdraw"
    default:
      return concerns(step, command)
  }
}

/** A failure is told once nothing is under way any more that could still change what is there. */
const isSettled = ({ observed, record }: Situation): boolean =>
  record.desired.power !== "stopped" || isQuiescent(observed) || observed._tag === "Running"

const whyNotRunning = ({ record }: Situation): Reason => {
  const { ended, id } = record
  if (ended?.outcome._tag === "Failed") {
    const { code, detail, phase } = ended.outcome
    return new StepFailed({ id, phase, failure: code, detail })
  }
  return new InstanceFailure({
    id,
    detail: "its guest ended before it could be answered: read its console, start it again"
  })
}

/** The answer to a caller when the instance is gone. */
export const atEnd = (waiting: Waiting, situation: Situation): Answer => {
  if (waiting.superseded !== undefined) {
    return refuse(new Superseded({ id: situation.record.id, by: waiting.superseded }))
  }
  if (waiting.command._tag === "Delete" || waiting.command._tag === "Withdraw") return Exit.void
  return refuse(waiting.failure ?? new NoInstance({ id: situation.record.id }))
}
