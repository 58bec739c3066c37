/**
 * Virtual machines by QEMU (https://www.qemu.org, 7.2 or later), each a process of its own.
 */
import { Config, Effect, type Layer, Path, Stream } from "effect"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { Virtualizer, Virtualizers } from "../../Virtualizer.ts"
import { fail, NotSupported, type VirtualizerError } from "../../VirtualizerError.ts"
import * as VirtualizerLayer from "../../VirtualizerLayer.ts"
import * as HostUser from "./HostUser.ts"
import { QemuConfig } from "./QemuConfig.ts"
import * as QemuDevices from "./QemuDevices.ts"
import * as QemuDiscovery from "./QemuDiscovery.ts"
import * as QemuDirectory from "./QemuDirectory.ts"
import * as QemuFiles from "./QemuFiles.ts"
import * as QemuGuest from "./QemuGuest.ts"
import type { QemuHost, Services } from "./QemuHost.ts"
import * as QemuProcess from "./QemuProcess.ts"

/** Used where there is no PATH. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** What a spec asks for that is not to be had. */
const unsupported = ({ boot, volumes }: InstanceSpec, config: QemuConfig): string | undefined => {
  const volumesMax = QemuDevices.portsMax - config.hotplugSlots
  return boot.kind === "container"
    ? "booting a virtual machine from a container image"
    : boot.kind === "kernel" && boot.commandLine?.includes("\0") === true
    ? "a kernel command line with a zero byte"
    : volumes.length > volumesMax
    ? `a virtual machine with more than ${volumesMax} volumes`
    : undefined
}

/**
 * The QEMU virtualizer of a node. Looks at who this process is, and writes and starts nothing: that the emulator is
 * installed is found out by the first start. Fails with `HostFailure`.
 */
export const make = Effect.fn("QemuVirtualizer.make")(function*(
  config: QemuConfig
): Effect.fn.Return<Virtualizer, VirtualizerError, Services> {
  const { normalize } = yield* Path.Path
  const stateDirectory = normalize(config.stateDirectory).replace(/(?<=.)\/+$/, "")
  const host: QemuHost = {
    config: { ...config, stateDirectory },
    user: yield* HostUser.make(config),
    searchPath: yield* Effect.orElseSucceed(Config.String("PATH"), () => defaultPath),
    services: yield* Effect.context<Services>()
  }
  const scan = Effect.provideContext(QemuDiscovery.scan(stateDirectory), host.services)
  return {
    name: "qemu",
    capabilities: { boot: ["image", "volume", "kernel"], pause: true, liveVolumes: true, console: true },
    make: (spec, directory) => {
      const what = unsupported(spec, config)
      return what === undefined ? QemuGuest.make(host, spec, directory) : Effect.fail(fail(new NotSupported({ what })))
    },
    discover: Stream.fromIterableEffect(
      Effect.map(scan, (guests) => guests.map(({ found }) => found))
    ),
    destroy: Effect.fn("QemuVirtualizer.destroy")(function*(found) {
      const guests = yield* scan
      yield* Effect.forEach(
        guests.filter((guest) => guest.found.id === found.id),
        ({ identity }) => QemuProcess.kill(identity, config.killDeadline),
        { concurrency: "unbounded", discard: true }
      )
    }),
    discard: (_, directory) =>
      Effect.provideContext(QemuFiles.remove(QemuDirectory.make(host.config, directory)), host.services)
  }
})

/** QEMU as the only virtualizer of a node: `layer({ stateDirectory })`. What is left out of the configuration has its default. */
export const layer = (
  config: Parameters<typeof QemuConfig.make>[0]
): Layer.Layer<Virtualizers, VirtualizerError, Services> =>
  VirtualizerLayer.only("QEMU", QemuConfig.makeEffect(config), make)
