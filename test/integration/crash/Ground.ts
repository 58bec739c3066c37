/**
 * Where launchers are killed, or their disk fails: a state directory, and what is to be seen on it from outside.
 */
import { chmodSync, chownSync, existsSync, readFileSync } from "node:fs"
import { Effect, FileSystem, Result, Schema } from "effect"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { VolumeId } from "../../../src/domain/Volume.ts"
import { InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import * as Inventory from "../../host/Inventory.ts"
import { killGuests } from "../../host/killGuests.ts"
import { tmpfs } from "../../host/tmpfs.ts"

/** The instance that is commanded. */
export const id = InstanceId.make("e0")

/** The volume that it gets and gives back. */
export const volume = VolumeId.make("v")

/** The instances that run beside it. */
export const bystanders = [InstanceId.make("b1"), InstanceId.make("b2")]

const decodeRecord = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.toCodecJson(InstanceRecord)))

/** What there is on a ground. */
export interface Options {
  /** Whether there is a Linux to boot. */
  readonly withLinux?: boolean
  /** A file system of its own, on the state directory or one in it, with these options of mount(8). */
  readonly mount?: { readonly on: "/" | "/records"; readonly options: string }
}

/** A state directory with what instances need. Its guests, and all of it, are gone with the scope. */
export const make = Effect.fnUntraced(function*({ mount, withLinux = false }: Options = {}) {
  const fs = yield* FileSystem.FileSystem
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "ground-" })
  if (mount !== undefined) {
    yield* fs.makeDirectory(`${stateDirectory}${mount.on}`, { recursive: true })
    yield* tmpfs(`${stateDirectory}${mount.on}`, mount.options)
  }
  yield* fs.chmod(stateDirectory, 0o711)
  yield* killGuests(stateDirectory)
  const before = yield* Inventory.take(stateDirectory)
  yield* Effect.forEach(["images", "volumes"], (name) => fs.makeDirectory(`${stateDirectory}/${name}`, { mode: 0o711 }))
  const image = `${stateDirectory}/images/empty.raw`
  yield* fs.writeFile(image, new Uint8Array(1024 * 1024))
  yield* fs.writeFile(`${stateDirectory}/volumes/${volume}.raw`, new Uint8Array(1024 * 1024))
  // Only a guest with an operating system lets go of a volume.
  const linux = withLinux ? yield* TinyGuest.copyTo(`${stateDirectory}/images`) : undefined
  return { stateDirectory, image, linux, before }
})

export type Ground = Effect.Success<ReturnType<typeof make>>

/** Takes the volume back from the user of guests, so that giving it to them is to be done again. */
export const takeVolumeBack = ({ stateDirectory }: Ground): void => {
  const path = `${stateDirectory}/volumes/${volume}.raw`
  chownSync(path, 0, 0)
  chmodSync(path, 0o600)
}

/** The record of an instance as it is on disk now. One that can not be read is a defect. */
export const record = ({ stateDirectory }: Ground, id: InstanceId): InstanceRecord | undefined => {
  const path = `${stateDirectory}/records/${id}.json`
  return existsSync(path) ? Result.getOrThrow(decodeRecord(readFileSync(path, "utf8"))) : undefined
}

/** The processes of every guest there is, by instance. */
export const guests = ({ stateDirectory }: Ground) =>
  Effect.map(QemuDiscovery.scan(stateDirectory), (all) => {
    const pids = new Map<string, ReadonlyArray<number>>()
    for (const { found, identity: { pid } } of all) pids.set(found.id, [...pids.get(found.id) ?? [], pid])
    return pids
  })

/** What there is on the host of this ground, in words, that these instances, and a launcher that is there, do not explain. */
const leftovers = Effect.fnUntraced(function*(
  { before, stateDirectory }: Ground,
  instances: ReadonlyArray<string>,
  launcher: number | undefined
) {
  const { files, locks, mounts, processes, sockets } = yield* Inventory.take(stateDirectory)
  const pids = yield* QemuDiscovery.scan(stateDirectory)
  const inside = (path: string) => path.slice(stateDirectory.length + 1)
  const isOurs = (path: string) =>
    /^(lock|incarnation|instances|records|images(\/[\w.]+)?|volumes(\/[\w.]+)?)$/.test(path) ||
    instances.some((id) => path === `records/${id}.json` || isOfInstance(path, id))
  const running = pids.flatMap(({ found }) =>
    sockets.filter((path) => inside(path).startsWith(`instances/${found.id}/`))
  )
  const others = without(processes, before.processes).filter((words) =>
    !words.includes(" -uuid ") && !(launcher !== undefined && (words === "cat" || words.includes("crash/launcher.ts ")))
  )
  return [
    ...pids.filter(({ found }) => !instances.includes(found.id)).map(({ found }) => `a guest of ${found.id}`),
    ...files.map(inside).filter((path) => !isOurs(path)).map((path) => `the file ${path}`),
    ...others.map((words) => `the process ${words}`),
    ...sockets.filter((path) => !running.includes(path)).map((path) => `the socket ${inside(path)}`),
    ...without(mounts, before.mounts).map((mount) => `the mount ${mount}`),
    ...locks.filter((path) => inside(path) === "lock").slice(launcher === undefined ? 0 : 1).map(() => "a second lock"),
    ...locks.filter((path) => !isOurs(inside(path))).map((path) => `the lock on ${inside(path)}`)
  ]
})

/**
 * Waits until nothing is left: a tool that a killed launcher had begun ends by itself, and a record is being written when
 * its instance is seen to run. Answers what stays.
 */
export const awaitClean = Effect.fnUntraced(function*(
  ground: Ground,
  instances: ReadonlyArray<string>,
  launcher: number | undefined
) {
  let left: ReadonlyArray<string> = []
  for (let tries = 0; tries < 100; tries++) {
    left = (yield* leftovers(ground, instances, launcher)).map((what) => `left is ${what}`)
    if (left.length === 0) return left
    yield* Effect.sleep(50)
  }
  return left
})

/** Each of these but for one of those. */
const without = (these: ReadonlyArray<string>, those: ReadonlyArray<string>): ReadonlyArray<string> =>
  those.reduce((rest, one) => {
    const index = rest.indexOf(one)
    return index < 0 ? rest : rest.toSpliced(index, 1)
  }, these)

/** What an instance has when nothing is being done for it. */
const isOfInstance = (path: string, id: string): boolean => {
  const files = "disk\\.qcow2|seed\\.iso|qemu\\.log|exit\\.json|exit\\.json\\.noted|run|run/[a-z]+\\.(pid|sock|log)"
  return new RegExp(`^instances/${id}(/guest(/(${files}))?)?$`).test(path)
}
