/**
 * What a command means for what is wanted: command × desired → desired, or a refusal, or "later".
 */
import type { InstanceId } from "../domain/InstanceId.ts"
import type { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import type { Desired, InstanceRecord } from "./InstanceRecord.ts"
import { InstanceFailure, NoInstance, NotSupported, type Reason, type Superseded } from "./LauncherError.ts"
import { isQuiescent, type Situation } from "./Situation.ts"

/** What a caller asks of an instance. `Withdraw` takes back a start. */
export type Command =
  /** To be there, whether it is started or not. */
  | { readonly _tag: "Create" }
  | { readonly _tag: "Start" }
  | { readonly _tag: "Restart" }
  | { readonly _tag: "Stop" }
  | { readonly _tag: "Delete" }
  | { readonly _tag: "Pause" }
  | { readonly _tag: "Resume" }
  | { readonly _tag: "Attach"; readonly volume: VolumeSpec }
  | { readonly _tag: "Detach"; readonly volume: VolumeId }
  | { readonly _tag: "Withdraw"; readonly start: Part }

/** What a caller has to do with a start. */
export interface Part {
  /** 0 where its command was not accepted. Its restart policy may make it another. */
  epoch: number
  /** Whether it asked for the start, or joined those who waited for it. */
  readonly owns: boolean
  /** Whether it was told that the start came about. */
  readonly granted: boolean
}

/** Whether a command waits for a start. */
export const isStart = (command: Command): boolean => command._tag === "Start" || command._tag === "Restart"

/** Whether a command is to end the guest, and not to bring it back. */
export const isPower = (command: Command): boolean => command._tag === "Stop" || command._tag === "Delete"

/** The order of strength. A stronger command takes over from a weaker one. */
const strength = (command: Command): number => {
  switch (command._tag) {
    case "Delete":
      return 2
    case "Stop":
      return 1
    default:
      return 0
  }
}

/** Whether a command takes over from an older one, a weaker one or its opposite, and as what. */
export const supersedes = (newer: Command, older: Command): Superseded["by"] | undefined => {
  // Whoever takes a start back waits for all to be clean, whoever sees to that.
  if (older._tag === "Withdraw") return undefined
  // An instance that is stopped is there.
  if (older._tag === "Create") return newer._tag === "Delete" ? "delete" : undefined
  switch (newer._tag) {
    case "Stop":
      return strength(older) < strength(newer) ? "stop" : undefined
    case "Delete":
      return strength(older) < strength(newer) ? "delete" : undefined
    case "Pause":
      return older._tag === "Resume" ? "pause" : undefined
    case "Resume":
      return older._tag === "Pause" ? "resume" : undefined
    case "Attach":
      return older._tag === "Detach" && older.volume === newer.volume.id ? "attach" : undefined
    case "Detach":
      return older._tag === "Attach" && older.volume.id === newer.volume ? "detach" : undefined
    case "Create":
    case "Start":
    case "Restart":
    case "Withdraw":
      return undefined
  }
}

/** What a command comes to. */
export type Wish =
  | { readonly _tag: "Desire"; readonly desired: Desired }
  | { readonly _tag: "Refuse"; readonly reason: Reason }
  /** A stronger command is in progress: ask again when it is done. */
  | { readonly _tag: "Later" }

const desire = (desired: Desired): Wish => ({ _tag: "Desire", desired })
const refuse = (reason: Reason): Wish => ({ _tag: "Refuse", reason })

/** What the wish depends on beside the instance itself. */
export interface Abilities {
  readonly pause: boolean
  readonly liveVolumes: boolean
}

/**
 * What a command means in a situation. A desired state that is the same object as before means: that is wanted already,
 * and the caller joins who waits for it.
 */
export const wish = (command: Command, { observed, record }: Situation, abilities: Abilities): Wish => {
  const { desired } = record
  // What is there is another's, and this instance is going: nothing is to be written of it any more.
  if (observed._tag === "Foreign") {
    return command._tag === "Withdraw" ? desire(desired) : refuse(new NoInstance({ id: record.id }))
  }
  if (command._tag === "Delete") return desire(desired.power === "deleted" ? desired : { ...desired, power: "deleted" })
  if (command._tag === "Withdraw") return desire(withdraw(command.start.epoch, record))
  if (desired.power === "deleted") return refuse(new NoInstance({ id: record.id }))
  if (command._tag === "Create") return desire(desired)
  if (command._tag === "Stop") return desire(desired.power === "stopped" ? desired : { ...desired, power: "stopped" })
  // Before the first start there is nothing that a stop could still be ending.
  if (desired.power === "stopped" && desired.epoch > 0 && !isQuiescent(observed)) return { _tag: "Later" }

  switch (command._tag) {
    case "Start":
      if (desired.power === "stopped") return desire(nextStart(desired))
      return desire(isAwaitingLaunch(record) ? atOnce(desired) : desired)
    case "Restart":
      // A start that is yet to be launched is one already.
      if (desired.power === "stopped" || !isAwaitingLaunch(record)) return desire(nextStart(desired))
      return desire(desired.power === "running" ? atOnce(desired) : { ...atOnce(desired), power: "running" })
    case "Pause":
      if (!abilities.pause) return refuse(new NotSupported({ what: "pausing" }))
      if (desired.power === "stopped") return refuse(notRunning(record.id))
      return desire(desired.power === "paused" ? desired : { ...desired, power: "paused" })
    case "Resume":
      if (!abilities.pause) return refuse(new NotSupported({ what: "resuming" }))
      if (desired.power === "stopped") return refuse(notRunning(record.id))
      return desire(desired.power === "running" ? desired : { ...desired, power: "running" })
    case "Attach": {
      const present = desired.volumes.find((volume) => volume.id === command.volume.id)
      if (present !== undefined) {
        return (present.readOnly ?? false) === (command.volume.readOnly ?? false)
          ? desire(desired)
          : refuse(
            new InstanceFailure({
              id: record.id,
              detail: `it has volume ${present.id} ${
                present.readOnly === true ? "read-only" : "writable"
              }: detach it first`
            })
          )
      }
      if (desired.power !== "stopped" && !abilities.liveVolumes) return refuse(liveVolumes)
      return desire({ ...desired, volumes: [...desired.volumes, command.volume] })
    }
    case "Detach": {
      if (!desired.volumes.some((volume) => volume.id === command.volume)) return desire(desired)
      const { boot } = record.spec
      if (boot.kind === "volume" && boot.volume === command.volume) {
        return refuse(new NotSupported({ what: "detaching the volume an instance boots from" }))
      }
      if (desired.power !== "stopped" && !abilities.liveVolumes) return refuse(liveVolumes)
      return desire({ ...desired, volumes: desired.volumes.filter((volume) => volume.id !== command.volume) })
    }
  }
}

/** Whether no guest has been launched for the start that is wanted. */
const isAwaitingLaunch = ({ boot, desired }: InstanceRecord): boolean => boot < desired.epoch

/** A start that somebody asks for. */
const nextStart = (desired: Desired): Desired => ({
  ...desired,
  power: "running",
  epoch: desired.epoch + 1,
  restarts: 0,
  notBeforeMillis: 0
})

/** Who asks for a start does not wait until the restart policy would have it. It is the policy's start all the same. */
const atOnce = (desired: Desired): Desired =>
  desired.notBeforeMillis === 0 ? desired : { ...desired, notBeforeMillis: 0 }

const liveVolumes = new NotSupported({ what: "attaching and detaching volumes of a running instance" })

const notRunning = (id: InstanceId) => new InstanceFailure({ id, detail: "it is not running: start it first" })

/**
 * A start that nobody waits for any more is undone: the first one with its instance, a later one to stopped, and so that of an
 * instance that was created before. What its restart policy made of it belongs to it.
 */
const withdraw = (epoch: number, { created, desired }: InstanceRecord): Desired => {
  if (desired.epoch !== epoch || (desired.power !== "running" && desired.power !== "paused")) return desired
  return { ...desired, power: epoch - desired.restarts === 1 && !created ? "deleted" : "stopped" }
}

/** Takes back what attach and detach commands wished that a stronger command took over from. */
export const revert = (command: Command, desired: Desired, before: Desired | undefined): Desired => {
  if (before === undefined) return desired
  if (command._tag === "Attach") {
    if (before.volumes.some((volume) => volume.id === command.volume.id)) return desired
    return { ...desired, volumes: desired.volumes.filter((volume) => volume.id !== command.volume.id) }
  }
  if (command._tag === "Detach") {
    const was = before.volumes.find((volume) => volume.id === command.volume)
    if (was === undefined || desired.volumes.some((volume) => volume.id === was.id)) return desired
    return { ...desired, volumes: [...desired.volumes, was] }
  }
  return desired
}
