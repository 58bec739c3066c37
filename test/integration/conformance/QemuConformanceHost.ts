/**
 * The outside of QEMU's virtualizer, for the conformance suite: real guests, which need no operating system.
 */
import * as Fs from "node:fs"
import * as Net from "node:net"
import { Context, Duration, Effect, FileSystem, Layer, Schema, Scope } from "effect"
import * as ProcFs from "../../../src/backend/qemu/ProcFs.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"
import * as QemuProcess from "../../../src/backend/qemu/QemuProcess.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import type { VolumeId } from "../../../src/domain/Volume.ts"
import { ConformanceHost, type Kind, type Shape } from "../../../src/testing/conformance/ConformanceHost.ts"
import * as BootSector from "../../guest/BootSector.ts"
import * as Gate from "../../host/Gate.ts"
import * as GatedQemu from "../../host/GatedQemu.ts"
import * as Gates from "../../host/Gates.ts"
import * as Inventory from "../../host/Inventory.ts"
import { killGuests } from "../../host/killGuests.ts"
import type { QmpRelay } from "../../host/QmpRelay.ts"
import { qemuGates } from "./qemuGates.ts"

/** A host with a gated QEMU. */
export class GatedHost extends Context.Service<GatedHost, {
  readonly config: QemuConfig
  readonly gates: Gates.Gates
}>()("vivarium/GatedHost") {}

/** Where the launcher of a test keeps its instances: too far down for a socket, so that these are elsewhere. */
const directoryOf = (config: QemuConfig, id: InstanceId): string =>
  `${config.stateDirectory}/${"instances/".repeat(10)}${id}`

/** The identities of an instance's guest, past the virtualizer: one, none, or too many. */
const identities = (config: QemuConfig, id: InstanceId): ReadonlyArray<QemuProcess.Identity> => {
  const signature = QemuProcess.signature(id, QemuDirectory.make(config, directoryOf(config, id)))
  return ProcFs.pids().flatMap((pid) => {
    const identity = QemuProcess.identify(signature, pid)
    return identity === undefined ? [] : [identity]
  })
}

/** What is kept of an instance for people to read, and how its last guest ended, which is for a launcher to know. */
const isKept = (path: string): boolean => /\/(qemu\.log|console\.log|exit\.json(\.noted)?)$/.test(path)

/** The programs that have to do with an instance's directory, by their names. */
const programs = (directory: string): ReadonlyArray<string> =>
  ProcFs.pids().flatMap((pid) => {
    const info = ProcFs.info(pid)
    const [program = "", ...words] = ProcFs.commandLine(pid) ?? []
    return info !== undefined && !ProcFs.isDead(info) && words.some((word) => word.includes(`${directory}/`))
      ? [`process ${program}`]
      : []
  })

const remains = (config: QemuConfig, id: InstanceId): Effect.Effect<ReadonlyArray<string>> => {
  const { instance, run, sockets } = QemuDirectory.make(config, directoryOf(config, id))
  const directories = sockets === run ? [instance] : [instance, sockets]
  return Effect.map(Inventory.take(...directories), (all) => [
    ...programs(instance),
    ...all.files.filter((path) => !isKept(path)),
    ...Fs.existsSync(sockets) && sockets !== run ? [sockets] : [],
    ...[...new Set(all.sockets)].map((path) => `socket ${path}`),
    ...all.mounts.map((path) => `mount ${path}`),
    ...all.locks.map((path) => `lock on ${path}`)
  ])
}

const hasOpen = (pid: number, path: string): boolean => {
  try {
    return Fs.readdirSync(`/proc/${pid}/fd`).some((fd) => Fs.readlinkSync(`/proc/${pid}/fd/${fd}`) === path)
  } catch {
    // It has ended, or closed one of its files meanwhile.
    return false
  }
}

/** Waits until a guest has booted. */
const booted = (config: QemuConfig, id: InstanceId): Effect.Effect<void> => {
  const { consoleLog } = QemuDirectory.make(config, directoryOf(config, id))
  return Gate.until(
    `the guest of ${id} is not ready`,
    () => Fs.existsSync(consoleLog) && Fs.readFileSync(consoleLog, "utf8").includes(BootSector.ready)
  )
}

/** Types at a guest's console, once it has booted. */
const type = (config: QemuConfig, id: InstanceId, text: string): Effect.Effect<void> => {
  const { consoleSocket } = QemuDirectory.make(config, directoryOf(config, id))
  return Effect.andThen(
    booted(config, id),
    Effect.callback<void>((resume) => {
      const socket = Net.connect({ path: consoleSocket })
      socket.on("error", (error) => resume(Effect.die(error)))
      socket.once("connect", () => socket.end(text, () => resume(Effect.void)))
    })
  )
}

/** Sends a signal to the guest, and waits until it has come there. */
const signal = (config: QemuConfig, id: InstanceId, name: NodeJS.Signals, isSo: (pid: number) => boolean) =>
  Effect.suspend(() =>
    Effect.forEach(
      identities(config, id),
      ({ pid }) =>
        Effect.andThen(
          Gate.signal(pid, name),
          Gate.until(`the guest of ${id} does not heed ${name}`, () => isSo(pid))
        ),
      { discard: true }
    )
  )

const volumePath = (config: QemuConfig, id: VolumeId): string => `${config.stateDirectory}/volumes/${id}.raw`

const isGone = (pid: number): boolean => {
  const info = ProcFs.info(pid)
  return info === undefined || ProcFs.isDead(info)
}

const make = Effect.fnUntraced(function*() {
  const fs = yield* FileSystem.FileSystem
  const scope = yield* Effect.scope
  // A short name, for the sockets' sake.
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "cf-" })
  yield* fs.chmod(stateDirectory, 0o755)
  const images = `${stateDirectory}/images`
  for (const name of ["images", "volumes"]) yield* fs.makeDirectory(`${stateDirectory}/${name}`)
  yield* fs.writeFile(`${images}/obedient.raw`, BootSector.disk({ deaf: false }))
  yield* fs.writeFile(`${images}/deaf.raw`, BootSector.disk({ deaf: true }))
  const qemu = yield* GatedQemu.make()
  const gates = yield* Gates.make
  const seconds = (count: number) => Duration.seconds(count)
  const config = QemuConfig.make({
    stateDirectory,
    emulator: qemu.emulator,
    accelerator: "tcg",
    runtimeDirectory: `${stateDirectory}/r`,
    commandDeadline: seconds(2),
    heartbeat: seconds(1),
    killDeadline: seconds(2),
    hotplugDeadline: seconds(5)
  })
  yield* killGuests(stateDirectory)
  const relays = new Map<InstanceId, QmpRelay>()
  const relay = Effect.fnUntraced(function*(id: InstanceId) {
    const known = relays.get(id)
    if (known !== undefined) return known
    const made = yield* Scope.provide(qemu.relay(id), scope)
    relays.set(id, made)
    return made
  })
  const image: Readonly<Record<Kind, string>> = {
    obedient: "obedient",
    deaf: "deaf",
    silent: "obedient",
    unlaunchable: "obedient",
    imageless: "none"
  }
  const shape: Shape = {
    directory: (id) => directoryOf(config, id),
    kinds: ["obedient", "deaf", "silent", "imageless", "unlaunchable"],
    spec: Effect.fnUntraced(function*(id, kind) {
      const control = yield* relay(id)
      if (kind === "silent") control.hold("before", "cont")
      return yield* Effect.orDie(
        Schema.decodeUnknownEffect(InstanceSpec)({
          id,
          memory: "32 MiB",
          boot: { kind: "image", path: `${images}/${image[kind]}.raw`, format: "raw" },
          nics: kind === "unlaunchable" ? [{ kind: "tap", tap: "nosuchtap" }] : [{ kind: "user" }]
        })
      )
    }),
    volume: Effect.fnUntraced(function*(id, kind) {
      const path = volumePath(config, id)
      if (kind === "sound") yield* Effect.orDie(fs.writeFile(path, new Uint8Array(1024 * 1024)))
      return { id, source: { _tag: "File", path, format: "raw" }, readOnly: false }
    }),
    consoleText: BootSector.ready,
    booted: (id) => booted(config, id),
    powerOff: (id) => type(config, id, BootSector.orders.powerOff),
    panic: (id) => type(config, id, BootSector.orders.panic),
    reboot: (id) => type(config, id, BootSector.orders.reboot),
    crash: (id) => signal(config, id, "SIGKILL", isGone),
    control: {
      sever: (id) => Effect.flatMap(relay(id), ({ sever }) => sever),
      restore: (id) => Effect.flatMap(relay(id), ({ listen }) => listen)
    },
    freezer: {
      freeze: (id) => signal(config, id, "SIGSTOP", Gate.isStopped),
      thaw: (id) => signal(config, id, "SIGCONT", (pid) => !Gate.isStopped(pid))
    },
    remains: (id) => remains(config, id),
    guests: (id) => Effect.sync(() => identities(config, id).map(({ pid }) => `pid ${pid}`)),
    disk: (id) =>
      Effect.sync(() => {
        const { disk } = QemuDirectory.make(config, directoryOf(config, id))
        return Fs.existsSync(disk) ? `inode ${Fs.statSync(disk).ino}` : undefined
      }),
    holders: (volume) =>
      Effect.sync(() =>
        ProcFs.pids().filter((pid) => hasOpen(pid, volumePath(config, volume))).map((pid) => `pid ${pid}`)
      ),
    gates: qemuGates({ gates, qemu, relay })
  }
  return Context.make(ConformanceHost, shape).pipe(Context.add(GatedHost, { config, gates }))
})

/** A host with a state directory of its own, whose guests are gone with it. */
export const layer = Layer.effectContext(make())

/** The virtualizer of one launcher on that host. */
export const virtualizer = Layer.unwrap(
  GatedHost.useSync(({ config, gates }) =>
    Layer.provide(QemuVirtualizer.layer(config), Layer.succeedContext(gates.services))
  )
)
