/**
 * Every call is answered exactly once, with a code that its command can have.
 *
 * Excused are the calls of a launcher that crashed before it answered them, which nobody answers, and those that their client
 * gave up, whose interruption returns in the place of an answer.
 */
import type { Code } from "../../launcher/LauncherError.ts"
import { type Checker, make } from "../Checker.ts"
import type { Call } from "../History.ts"
import { Calls } from "./Calls.ts"

const always: ReadonlyArray<Code> = ["no_instance", "timed_out", "state_failure", "launcher_closed"]

const startSteps: ReadonlyArray<Code> = [
  "image_failure",
  "network_failure",
  "launch_failure",
  "instance_failure",
  "crash_loop"
]

/** The codes that a command can fail with. */
const codes: Readonly<Record<Call["_tag"], ReadonlyArray<string>>> = {
  Create: [...always, "superseded", "not_supported", "instance_exists", "already_attached", "node_maintenance"],
  Start: [
    ...always,
    ...startSteps,
    "superseded",
    "not_supported",
    "instance_exists",
    "already_attached",
    "node_maintenance"
  ],
  Stop: [...always, "superseded"],
  Restart: [...always, ...startSteps, "superseded", "not_supported", "node_maintenance"],
  Delete: always,
  Pause: [...always, ...startSteps, "superseded", "not_supported"],
  Resume: [...always, ...startSteps, "superseded", "not_supported"],
  Attach: [...always, "superseded", "not_supported", "attach_failure", "already_attached", "instance_failure"],
  Detach: [...always, "superseded", "not_supported", "attach_failure", "instance_failure"],
  Get: ["no_instance", "launcher_closed"],
  Stats: ["no_instance", "launcher_closed", "instance_failure"],
  List: [],
  Statistics: [],
  Orphans: ["state_failure", "launcher_closed"],
  Evacuate: ["state_failure", "launcher_closed"],
  Restore: ["state_failure", "launcher_closed", "node_maintenance"],
  Reset: ["state_failure", "launcher_closed"],
  Adopt: [...always, "instance_exists", "instance_failure", "already_attached", "not_supported", "node_maintenance"],
  DestroyOrphan: ["instance_exists", "instance_failure", "launcher_closed"]
}

export const answeredOnce: Checker = make("answered exactly once", (complain) => {
  const calls = new Calls()
  const called = new Set<number>()

  return (entry, index) => {
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Called":
        if (called.has(entry.call)) complain(`call ${entry.call} was called twice`)
        called.add(entry.call)
        return
      case "Abandoned":
        if (call === undefined) complain(`call ${entry.call} was given up when it was not open`)
        return
      case "Answered": {
        const { answer } = entry
        if (call === undefined) {
          complain(`call ${entry.call} was answered ${answer.ok ? "ok" : answer.code} when it was not open`)
        } else if (!answer.ok && !codes[call.command._tag].includes(answer.code)) {
          complain(
            `${call.command._tag} (${entry.call}) was answered ${answer.code}, which it can not be: ${answer.detail}`
          )
        }
        return
      }
      case "Settled":
        for (const { call, command } of calls.all) complain(`${command._tag} (${call}) was never answered`)
        return
      default:
        return
    }
  }
})
