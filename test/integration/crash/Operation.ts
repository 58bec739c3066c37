/**
 * The commands that a launcher is killed in, or whose writes fail: what is there before, and what when they are done.
 */
import { existsSync, readFileSync } from "node:fs"
import { ByteSize, Duration, Effect, Schedule } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { hasConnected, type InstanceRecord, isOver } from "../../../src/launcher/InstanceRecord.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import * as Gate from "../../host/Gate.ts"
import { bystanders, type Ground, id, record, takeVolumeBack, volume } from "./Ground.ts"
import type { LauncherEnded, LauncherProcess } from "./LauncherProcess.ts"
import type { Command } from "./Protocol.ts"

const stopGrace = Duration.zero

/** A guest whose firmware finds nothing to boot. */
export const firmware = (id: InstanceId, { image }: Ground) =>
  InstanceSpec.make({
    id,
    memory: ByteSize.mebibytes(32),
    boot: { kind: "image", path: image, format: "raw" },
    stopGrace
  })

/** The same with a seed, which takes more files. */
export const seeded = (ground: Ground) =>
  InstanceSpec.make({ ...firmware(id, ground), cloudInit: { dataSource: "nocloud", userData: "#cloud-config\n" } })

const linux = ({ linux }: Ground) => {
  if (linux === undefined) throw new Error("this ground has no Linux")
  const { commandLine, initrd, kernel } = linux
  return InstanceSpec.make({
    id,
    memory: ByteSize.mebibytes(96),
    boot: { kind: "kernel", kernel, initrd, commandLine },
    stopGrace
  })
}

/** Asks for something that must succeed. */
export const demand = (launcher: LauncherProcess, command: Command): Effect.Effect<void, LauncherEnded> =>
  Effect.flatMap(
    launcher.ask(command),
    (answer) =>
      answer._tag === "Done" ? Effect.void : Effect.die(`${command._tag} was answered ${JSON.stringify(answer)}`)
  )

/** Deletes the instance, if it is there. */
export const clear = (launcher: LauncherProcess): Effect.Effect<void, LauncherEnded> =>
  Effect.flatMap(
    launcher.list,
    (all) => all.some((one) => one.id === id) ? demand(launcher, { _tag: "Delete", id }) : Effect.void
  )

/** Starts what runs beside the instance. */
export const startBystanders = (launcher: LauncherProcess, ground: Ground): Effect.Effect<void, LauncherEnded> =>
  Effect.forEach(bystanders, (id) => demand(launcher, { _tag: "Start", spec: firmware(id, ground) }), {
    concurrency: "unbounded",
    discard: true
  })

/** Waits until Linux takes commands. */
const booted = ({ stateDirectory }: Ground) =>
  Effect.sync(() => {
    const path = `${stateDirectory}/instances/${id}/guest/run/console.log`
    return existsSync(path) && readFileSync(path, "utf8").includes(TinyGuest.ready)
  }).pipe(
    Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOrElse({ duration: "90 seconds", orElse: () => Effect.die("Linux did not boot") })
  )

/** A command, and what it needs. */
export interface Operation {
  readonly name: "start" | "start again" | "stop" | "delete" | "attach" | "detach"
  readonly command: (ground: Ground) => Command
  /** Brings about what is to be there before it, from whatever a command before has left. */
  readonly prepare: (ground: Ground, launcher: LauncherProcess) => Effect.Effect<void, LauncherEnded>
  /** What becomes of the instance once it is done. */
  readonly wanted: "absent" | "running" | "stopped"
  /** Whether the instance has the volume then. */
  readonly hasVolume: boolean
}

/** Waits until what a command came to is on record, which is written after its answer: what comes next is not to be taken for it. */
const recorded = (ground: Ground, isSo: (record: InstanceRecord) => boolean) =>
  Gate.until("what was done is not on record", () => {
    const found = record(ground, id)
    return found !== undefined && isSo(found)
  })

const started = (ground: Ground, launcher: LauncherProcess) =>
  clear(launcher).pipe(
    Effect.andThen(demand(launcher, { _tag: "Start", spec: seeded(ground) })),
    Effect.andThen(recorded(ground, hasConnected))
  )

const start: Operation = {
  name: "start",
  command: (ground) => ({ _tag: "Start", spec: seeded(ground) }),
  prepare: (_, launcher) => clear(launcher),
  wanted: "running",
  hasVolume: false
}

const startAgain: Operation = {
  ...start,
  name: "start again",
  prepare: (ground, launcher) =>
    started(ground, launcher).pipe(
      Effect.andThen(demand(launcher, { _tag: "Stop", id })),
      Effect.andThen(recorded(ground, isOver))
    )
}

const stop: Operation = {
  name: "stop",
  command: () => ({ _tag: "Stop", id }),
  prepare: started,
  wanted: "stopped",
  hasVolume: false
}

const remove: Operation = {
  name: "delete",
  command: () => ({ _tag: "Delete", id }),
  prepare: started,
  wanted: "absent",
  hasVolume: false
}

const attach: Operation = {
  name: "attach",
  command: () => ({ _tag: "Attach", id, volume }),
  prepare: (ground, launcher) => Effect.andThen(started(ground, launcher), Effect.sync(() => takeVolumeBack(ground))),
  wanted: "running",
  hasVolume: true
}

/** Its guest is kept from one time to the next: Linux takes seconds to boot. */
const detach: Operation = {
  name: "detach",
  command: () => ({ _tag: "Detach", id, volume }),
  prepare: (ground, launcher) =>
    demand(launcher, { _tag: "Start", spec: linux(ground) }).pipe(
      Effect.andThen(booted(ground)),
      Effect.andThen(demand(launcher, { _tag: "Attach", id, volume }))
    ),
  wanted: "running",
  hasVolume: false
}

/** All of them. Only the last needs Linux. */
export const operations: ReadonlyArray<Operation> = [start, startAgain, stop, remove, attach, detach]
