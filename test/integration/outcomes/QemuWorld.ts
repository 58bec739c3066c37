/**
 * A node of this host with QEMU, on a state directory of its own. With the scope, nothing is left of it.
 */
import * as Fs from "node:fs"
import type { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, type Scope } from "effect"
import * as QemuConfig from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import * as BootSector from "../../guest/BootSector.ts"
import * as Gate from "../../host/Gate.ts"
import { killGuests } from "../../host/killGuests.ts"
import { typeAt } from "../../host/typeAt.ts"
import { volumes } from "./Act.ts"
import * as Launchers from "./Launchers.ts"
import * as Specs from "./Specs.ts"
import type { World } from "./World.ts"

const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The files that a process has open. */
const openFiles = (pid: number): ReadonlyArray<string> =>
  (attempt(() => Fs.readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap((fd) =>
    attempt(() => Fs.readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? []
  )

/** How often a guest has said that it is there, since it was launched. */
const boots = (console: string): number =>
  (attempt(() => Fs.readFileSync(console, "latin1")) ?? "").split(BootSector.ready).length - 1

/** A node whose guests do as they are told, or do not look at their power button. */
export const make = Effect.fnUntraced(function*(
  { deaf }: { readonly deaf: boolean }
): Effect.fn.Return<World, never, NodeServices.NodeServices | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const services = yield* Effect.context<NodeServices.NodeServices>()
  const stateDirectory = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "same-" }))
  yield* killGuests(stateDirectory)
  yield* Effect.orDie(Effect.gen(function*() {
    yield* fs.chmod(stateDirectory, 0o755)
    for (const name of ["images", "volumes"]) yield* fs.makeDirectory(`${stateDirectory}/${name}`)
    yield* fs.writeFile(`${stateDirectory}/images/boot.raw`, BootSector.disk({ deaf }))
    for (const id of volumes) {
      yield* fs.writeFile(`${stateDirectory}/volumes/${id}.raw`, new Uint8Array(65_536))
    }
  }))
  const config = QemuConfig.QemuConfig.make({
    stateDirectory,
    accelerator: "tcg",
    runtimeDirectory: `${stateDirectory}/r`,
    // A guest that is paused does not let go of a volume, however long that is waited for.
    hotplugDeadline: Specs.hotplugDeadline
  })
  const launchers = yield* Launchers.make(stateDirectory, QemuVirtualizer.layer(config))

  const directory = (id: InstanceId) => QemuDirectory.make(config, `${stateDirectory}/instances/${id}`)
  const found = Effect.provideContext(QemuDiscovery.scan(stateDirectory), services)
  const order = (id: InstanceId, character: string) => typeAt(directory(id).consoleSocket, character)

  return {
    ...launchers,
    spec: (id) => InstanceSpec.make({ ...Specs.fields(id, deaf), boot: Specs.image(`${stateDirectory}/images`) }),
    powerOff: (id) => order(id, BootSector.orders.powerOff),
    panic: (id) => order(id, BootSector.orders.panic),
    reboot: (id) =>
      Effect.suspend(() => {
        const { consoleLog } = directory(id)
        const before = boots(consoleLog)
        return Effect.andThen(
          order(id, BootSector.orders.reboot),
          Gate.until(`${id} does not reboot`, () => boots(consoleLog) > before)
        )
      }),
    kill: (id) =>
      Effect.flatMap(
        found,
        Effect.forEach((guest) => guest.found.id === id ? Gate.signal(guest.identity.pid, "SIGKILL") : Effect.void)
      ),
    guests: Effect.map(found, (all) =>
      all.map(({ found, identity }) => {
        const files = openFiles(identity.pid)
        return {
          id: found.id,
          volumes: volumes.filter((volume) => files.includes(`${stateDirectory}/volumes/${volume}.raw`))
        }
      }).toSorted((a, b) => a.id < b.id ? -1 : 1)),
    booted: (id) => Gate.until(`${id} does not boot`, () => boots(directory(id).consoleLog) > 0),
    isLeft: (id) => Effect.orDie(fs.exists(`${stateDirectory}/instances/${id}`))
  }
})
