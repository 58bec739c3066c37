/**
 * What is to be seen of an instance, and what is seen.
 */
import { readdirSync, readlinkSync } from "node:fs"
import { Effect } from "effect"
import type { InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import * as Ground from "./Ground.ts"
import type { LauncherProcess } from "./LauncherProcess.ts"
import type { Instance } from "./Protocol.ts"

/** What is to become of the instance. `over` is stopped or failed, which on record are the same. */
export interface Wanted {
  readonly state: "absent" | "running" | "stopped" | "over"
  readonly hasVolume: boolean
  /** The guest that it has; absent when any will do. */
  readonly pid: number | undefined
  /** How often it has been started; absent when that does not matter. */
  readonly starts: number | undefined
}

/** What a record says that is wanted. */
export const ofRecord = (record: InstanceRecord | undefined, pid: number | undefined): Wanted => {
  if (record === undefined) return { state: "absent", hasVolume: false, pid: undefined, starts: undefined }
  const { epoch, power, volumes } = record.desired
  const state = power === "deleted" ? "absent" : power === "stopped" ? "stopped" : "running"
  return { state, hasVolume: volumes.length > 0, pid: state === "running" ? pid : undefined, starts: epoch }
}

const opens = (descriptor: string, path: string): boolean => {
  try {
    return readlinkSync(descriptor) === path
  } catch {
    return false
  }
}

const hasOpen = (pid: number, path: string): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => opens(`/proc/${pid}/fd/${fd}`, path))
  } catch {
    return false
  }
}

/** What is not as it is wanted, in words. */
export const mismatches = Effect.fnUntraced(function*(
  ground: Ground.Ground,
  instance: Instance | undefined,
  { hasVolume, pid, starts, state }: Wanted
) {
  const pids = (yield* Ground.guests(ground)).get(Ground.id) ?? []
  const says = instance === undefined
    ? "absent"
    : instance.state._tag === "Running"
    ? "running"
    : instance.state._tag === "Stopped"
    ? "stopped"
    : instance.state._tag === "Failed"
    ? "failed"
    : JSON.stringify(instance.state)
  const wrong: Array<string> = []
  const isAsWanted = state === "over" ? says === "stopped" || says === "failed" : says === state
  if (!isAsWanted) {
    const why = instance?.state._tag === "Failed" ? ` (${instance.state.reason}: ${instance.state.detail})` : ""
    wrong.push(`it is ${says}${why}, and wanted ${state}`)
  }
  const count = state === "running" ? 1 : 0
  if (pids.length !== count) wrong.push(`it has ${pids.length} guests, and is ${state}`)
  if (pid !== undefined && pids[0] !== pid) wrong.push(`its guest is process ${pids[0]}, and was ${pid}`)
  if (instance !== undefined && starts !== undefined && instance.starts !== starts) {
    wrong.push(`it was started ${instance.starts} times, and wanted ${starts}`)
  }
  if (instance !== undefined && instance.volumes.length !== (hasVolume ? 1 : 0)) {
    wrong.push(`it has ${instance.volumes.length} volumes`)
  }
  const path = `${ground.stateDirectory}/volumes/${Ground.volume}.raw`
  if (pids.some((pid) => hasOpen(pid, path) !== hasVolume)) {
    wrong.push(`its guest ${hasVolume ? "does not have" : "has"} the volume open`)
  }
  return wrong
})

/** Waits until the instance is as wanted. What is still wrong after a while is answered. */
export const converge = Effect.fnUntraced(function*(ground: Ground.Ground, launcher: LauncherProcess, wanted: Wanted) {
  let wrong: ReadonlyArray<string> = []
  for (let tries = 0; tries < 400; tries++) {
    const instances = yield* launcher.list
    wrong = yield* mismatches(ground, instances.find(({ id }) => id === Ground.id), wanted)
    if (wrong.length === 0) return wrong
    yield* Effect.sleep(50)
  }
  return wrong
})

/** Waits until what is on record is as wanted, for the next launcher. What is still wrong after a while is answered. */
export const onRecord = Effect.fnUntraced(function*(ground: Ground.Ground, wanted: Wanted) {
  const says = ({ hasVolume, state }: Wanted) =>
    `${state === "over" ? "stopped" : state}${hasVolume ? " with the volume" : ""}`
  for (let tries = 0; tries < 100; tries++) {
    if (says(ofRecord(Ground.record(ground, Ground.id), undefined)) === says(wanted)) return []
    yield* Effect.sleep(50)
  }
  return [`on record it is ${says(ofRecord(Ground.record(ground, Ground.id), undefined))}, and was ${says(wanted)}`]
})
