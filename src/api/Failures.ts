/**
 * The failures of the launcher and of payloads, as problems.
 */
import type { LauncherError } from "../launcher/LauncherError.ts"
import type { StartFailure } from "../launcher/StartBorder.ts"
import type { PayloadError } from "../payload/PayloadError.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import { Option } from "effect"
import { make, type Problem, type ProblemCode } from "./Problem.ts"

/** What to do next, where the failure itself does not say it all. */
const hints: Partial<Record<ProblemCode, string>> = {
  already_attached: "detach the volume where it is, or delete that instance, then ask again",
  attach_failure: "look at the volume's file and at the instance's state, then ask again",
  crash_loop: "read its logs, mend what makes it end, then start it again",
  full_cn: "start it on another node, or stop or delete others first; GET /v1/node says what is held",
  image_failure: "mend the image or its path; the daemon's roots must contain it",
  instance_exists: "use another id or name, or delete the instance first",
  instance_failure: "look at the instance's state, then ask again",
  launch_failure: "read the instance's logs; GET /v1/node/doctor says what the node lacks",
  launcher_closed: "ask the daemon again when it is back: what was asked for is on record",
  no_instance: "GET /v1/instances lists those that are there",
  node_maintenance: "POST /v1/node/restore puts the node back to service",
  not_supported: "GET /v1/node tells what each virtualizer can do",
  state_failure: "make room in the daemon's state directory, and make it writable",
  superseded: "ask again once the stronger command is done, if it is still wanted",
  timed_out: "what was asked for goes on: follow /v1/events, or look at the instance's state"
}

/** The failure of a command. */
export const ofLauncher = (error: LauncherError): Problem => {
  const { code, message: detail, reason } = error
  return make(code, {
    detail,
    hint: hints[code],
    phase: reason._tag === "StepFailed" ? reason.phase : undefined,
    instance: "id" in reason ? reason.id : undefined
  })
}

/** A text that could not be read. */
export const ofPayload = ({ code, message: detail, omitted, problems }: PayloadError): Problem =>
  make(code, {
    detail,
    hint: omitted === 0 ? "correct the named fields, then ask again" : `correct these; ${omitted} more are wrong`,
    fields: problems
  })

/** The failure of a START payload. */
export const ofStart = ({ code, id, message: detail }: StartFailure): Problem =>
  make(code, { detail, hint: hints[code], instance: Option.getOrUndefined(id) })

/** The failure of what is asked of a guest past its launcher: its console. */
export const ofGuest = (id: string) => (error: VirtualizerError): Problem => {
  const code = error.reason._tag === "NotSupported" ? "not_supported" : "instance_failure"
  return make(code, { detail: `instance ${id}: ${error.message}`, hint: hints[code], instance: id })
}
