/**
 * The restart policy of an instance is kept: what it takes is started again, what it does not is left; it waits as long as it
 * says, and longer from time to time; it gives up after as many restarts as are allowed, and not before.
 *
 * Who asks for a start, or for another, has it at once.
 */
import { Duration } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { RestartPolicy } from "../../domain/InstanceSpec.ts"
import * as ExitStatus from "../../domain/ExitStatus.ts"
import type { InstanceRecord, Outcome } from "../../launcher/InstanceRecord.ts"
import type { LauncherConfig } from "../../launcher/LauncherConfig.ts"
import { type Checker, make } from "../Checker.ts"
import { Calls } from "./Calls.ts"

/** The least part of the wait that chance leaves. */
const leastPart = 0.75

/** Whether a policy has an instance started again after such an end. */
const takes = (policy: RestartPolicy, outcome: Outcome): boolean => {
  switch (policy) {
    case "never":
      return false
    case "on-failure":
      return outcome._tag === "Failed" || (outcome._tag === "Exited" && ExitStatus.isFailure(outcome.status))
    case "always":
      return outcome._tag !== "Stopped"
  }
}

const isGivenUp = ({ ended }: InstanceRecord): boolean =>
  ended?.outcome._tag === "Failed" && ended.outcome.code === "crash_loop"

export const restartPolicies: Checker = make("the restart policy is kept", (complain) => {
  const records = new Map<InstanceId, InstanceRecord>()
  const calls = new Calls()
  let config: LauncherConfig | undefined

  const ended = (before: InstanceRecord, next: InstanceRecord, atMillis: number): void => {
    const { desired: was, id, spec: { restart } } = before
    const { desired, ended } = next
    if (config === undefined || ended === null) return
    if (isGivenUp(next)) {
      if (restart === "never") complain(`${id}: its restart policy, ${restart}, gave it up`)
      else if (was.restarts < config.restartsMax) complain(`${id} was given up after ${was.restarts} restarts`)
      return
    }
    const isAgain = desired.epoch > was.epoch && desired.restarts > 0
    if (isAgain !== takes(restart, ended.outcome) && desired.epoch === was.epoch + (isAgain ? 1 : 0)) {
      complain(`${id}: ${ended.outcome._tag} under ${restart}, it is ${isAgain ? "" : "not "}started again`)
    }
    if (!isAgain) return
    if (desired.restarts > config.restartsMax) complain(`${id} is started again ${desired.restarts} times in a row`)
    // Somebody asked for it meanwhile, and did not want to wait.
    if (desired.notBeforeMillis === 0) return
    const { restartDelay, restartDelayMax } = config
    const longest = Math.min(
      Duration.toMillis(restartDelay) * 2 ** (desired.restarts - 1),
      Duration.toMillis(restartDelayMax)
    )
    if (desired.notBeforeMillis > atMillis + longest) complain(`${id} waits until ${desired.notBeforeMillis} ms`)
    // What was decided was written later, after a disk that fails had been tried again, and never before.
    const writing = 10 * (Duration.toMillis(config.recordDeadline) + Duration.toMillis(config.recordRetry))
    if (desired.notBeforeMillis < atMillis - writing + leastPart * longest - 1) {
      complain(`${id} waits ${desired.notBeforeMillis - atMillis} ms for restart ${desired.restarts}`)
    }
  }

  return (entry, index) => {
    calls.look(entry, index)
    switch (entry._tag) {
      case "Began":
        config = entry.config
        return
      case "Recorded": {
        const before = records.get(entry.id)
        records.set(entry.id, entry.record)
        const next = entry.record
        const isEnd = before !== undefined && next.ended !== null && next.ended.epoch === before.desired.epoch &&
          next.ended.epoch !== before.ended?.epoch
        const wasWanted = before?.desired.power === "running" || before?.desired.power === "paused"
        const isWanted = next.desired.power === "running" || next.desired.power === "paused"
        // What somebody else asked for meanwhile is for others to explain.
        const isAsked = calls.of(entry.id).size > 0 || next.desired.power === "deleted"
        if (isEnd && wasWanted && (isWanted || (!isAsked && next.ended?.outcome._tag !== "Stopped"))) {
          ended(before, next, entry.atMillis)
        }
        return
      }
      case "Removed":
      case "SetAside":
        records.delete(entry.id)
        return
      case "Spawned": {
        const record = records.get(entry.id)
        if (record !== undefined && record.desired.notBeforeMillis > entry.atMillis) {
          complain(`${entry.id} is launched ${record.desired.notBeforeMillis - entry.atMillis} ms before it may be`)
        }
        return
      }
      default:
        return
    }
  }
})
