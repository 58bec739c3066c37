/**
 * What a restart policy makes of the end of a start: whether the instance is started again, and when. Pure.
 *
 * It waits longer from time to time, and no two instances wait the same, so that what fails together does not come back
 * together. A guest that ran for a while was well: then counting begins anew. One that ends too often in a row is given up.
 */
import { Duration, Hash } from "effect"
import * as ExitStatus from "../domain/ExitStatus.ts"
import type { RestartPolicy } from "../domain/InstanceSpec.ts"
import { hasConnected, type InstanceRecord, type Outcome } from "./InstanceRecord.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"

/** How a launcher starts instances again. */
export type RestartLimits = Pick<LauncherConfig, "restartDelay" | "restartDelayMax" | "restartStable" | "restartsMax">

/** Whether a policy has an instance started again after such an end. */
export const takes = (policy: RestartPolicy, outcome: Outcome): boolean => {
  if (policy === "never" || outcome._tag === "Stopped") return false
  return policy === "always" || outcome._tag === "Failed" || ExitStatus.isFailure(outcome.status)
}

/** What came of a start, in words. */
export const format = (outcome: Outcome): string =>
  outcome._tag === "Failed" ? `${outcome.phase}: ${outcome.detail}` : ExitStatus.format(outcome.status)

/** A start is over, and nobody wants the instance stopped or deleted: what is wanted from now on. */
export const afterEnd = (
  record: InstanceRecord,
  outcome: Outcome,
  nowMillis: number,
  limits: RestartLimits
): InstanceRecord => {
  const { desired, id, spec } = record
  const ended = { epoch: desired.epoch, outcome }
  if (!takes(spec.restart, outcome)) return { ...record, desired: { ...desired, power: "stopped" }, ended }
  const restarts = wasStable(record, nowMillis, limits) ? 0 : desired.restarts
  if (restarts >= limits.restartsMax) {
    const often = restarts === 0 ? "it ended with" : `it ended ${restarts + 1} times in a row, at last with`
    const detail = `${often} ${format(outcome)}: ` +
      "read its console, mend what ends it, then start it again"
    return {
      ...record,
      desired: { ...desired, power: "stopped" },
      ended: { epoch: desired.epoch, outcome: { _tag: "Failed", phase: "run", code: "crash_loop", detail } }
    }
  }
  const epoch = desired.epoch + 1
  return {
    ...record,
    desired: {
      ...desired,
      epoch,
      restarts: restarts + 1,
      notBeforeMillis: nowMillis + delayMillis(`${id}/${epoch}`, restarts, limits)
    },
    ended
  }
}

/** Whether the guest of the start that is over ran for long enough. */
const wasStable = (record: InstanceRecord, nowMillis: number, { restartStable }: RestartLimits): boolean =>
  hasConnected(record) && record.boot === record.desired.epoch &&
  nowMillis - record.connectedMillis >= Duration.toMillis(restartStable)

/** Doubles each time, up to the longest, and takes off up to a quarter, by chance, which is the same for the same start. */
const delayMillis = (start: string, restarts: number, { restartDelay, restartDelayMax }: RestartLimits): number => {
  const longest = Math.min(
    Duration.toMillis(restartDelayMax),
    Duration.toMillis(restartDelay) * 2 ** Math.min(restarts, 30)
  )
  return Math.round(longest * (1 - (Hash.string(start) >>> 0) % 1_000 / 4_000))
}
