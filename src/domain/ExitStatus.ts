/**
 * How a guest ended.
 */
import { Schema } from "effect"

/**
 * - `PoweredOff`: the guest powered itself off.
 * - `Exited`: its process ended with a code (a container, or a hypervisor that gave up); `error` is what its virtualizer says
 *   went wrong, where it does.
 * - `Panicked`: the guest's kernel panicked.
 * - `Quit`: it was asked to end at once, and did.
 * - `Killed`: a signal ended it.
 * - `OutOfMemory`: the host's kernel ended it, because it used more memory than it may.
 * - `Removed`: somebody removed it past the launcher, with its disk.
 * - `Unknown`: it vanished while nobody could see how.
 */
export const ExitStatus = Schema.Union([
  Schema.TaggedStruct("PoweredOff", {}),
  Schema.TaggedStruct("Exited", { code: Schema.Int, error: Schema.optionalKey(Schema.String) }),
  Schema.TaggedStruct("Panicked", {}),
  Schema.TaggedStruct("Quit", {}),
  Schema.TaggedStruct("Killed", { signal: Schema.String }),
  Schema.TaggedStruct("OutOfMemory", {}),
  Schema.TaggedStruct("Removed", {}),
  Schema.TaggedStruct("Unknown", {})
])

export type ExitStatus = typeof ExitStatus.Type

/** The guest vanished: how it ended is not known. Counts as a failure. */
export const unknown: ExitStatus = { _tag: "Unknown" }

/** Whether a restart policy of `on-failure` takes this end for a failure. */
export const isFailure = (status: ExitStatus): boolean => {
  switch (status._tag) {
    case "PoweredOff":
      return false
    case "Exited":
      return status.code !== 0
    case "Panicked":
    case "Quit":
    case "Killed":
    case "OutOfMemory":
    case "Removed":
    case "Unknown":
      return true
  }
}

/** One word or two for a person, such as `exit code 3`. */
export const format = (status: ExitStatus): string => {
  switch (status._tag) {
    case "PoweredOff":
      return "powered off"
    case "Exited":
      return status.error === undefined ? `exit code ${status.code}` : `exit code ${status.code}: ${status.error}`
    case "Panicked":
      return "kernel panic"
    case "Quit":
      return "ended at once"
    case "Killed":
      return `killed by ${status.signal}`
    case "OutOfMemory":
      return "killed for lack of memory"
    case "Removed":
      return "removed by somebody else"
    case "Unknown":
      return "exit status unknown"
  }
}
