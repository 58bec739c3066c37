/**
 * What an engine says of a container's state, in the words of the contract.
 */
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { State } from "../../docker/Containers.ts"

/** 128 and the number of SIGKILL: how an engine tells that it ended a process, or that the kernel did. */
export const killedCode = 137

/** Whether there is a guest: also one that is paused, or about to be restarted by hand. */
export const isRunning = ({ Running, Status }: State): boolean => Running || Status === "restarting"

/** The same, by the status alone. */
export const isRunningStatus = (status: string): boolean =>
  status === "running" || status === "paused" || status === "restarting"

/** Whether the engine is about to remove it, or failed to. What is left of it can not be started. */
export const isLeaving = ({ Status }: State): boolean => Status === "removing" || Status === "dead"

/** Whether it has never run. A start that failed counts as none. */
export const isUnbegun = ({ Running, StartedAt, Status }: State): boolean =>
  !Running && (Status === "created" || Status === "initialized" || StartedAt.startsWith("0001-"))

/** How a container ended that does not run. */
export const exitStatus = (state: Pick<State, "Error" | "ExitCode" | "OOMKilled">): ExitStatus => {
  if (state.OOMKilled && state.ExitCode !== 0) return { _tag: "OutOfMemory" }
  if (state.ExitCode === killedCode) return { _tag: "Killed", signal: "SIGKILL" }
  return { _tag: "Exited", code: state.ExitCode, ...(state.Error === "" ? {} : { error: state.Error }) }
}
