/**
 * A QEMU virtualizer with a state directory of its own, whose guests are gone with the scope.
 */
import { readdirSync, readlinkSync } from "node:fs"
import { Effect, Exit, FileSystem, Schema, Scope, Stream } from "effect"
import * as QemuConfig from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import * as Network from "../../../src/domain/Network.ts"
import type { DiskFormat, Volume } from "../../../src/domain/Volume.ts"
import { VolumeId } from "../../../src/domain/Volume.ts"
import type { BootConfig, Guest, Monitor } from "../../../src/Virtualizer.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { exec } from "../../host/exec.ts"
import { killGuests } from "../../host/killGuests.ts"

const decodeSpec = Schema.decodeUnknownEffect(InstanceSpec)

/** Whether a descriptor is of this file. One that is closed meanwhile is not. */
const opens = (descriptor: string, path: string): boolean => {
  try {
    return readlinkSync(descriptor) === path
  } catch {
    return false
  }
}

export const make = Effect.fn("Rig.make")(function*(options?: Partial<typeof QemuConfig.QemuConfig.Type>) {
  const fs = yield* FileSystem.FileSystem
  // A name that would fall apart in an option. It is short, for the sockets' sake.
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "q, x='\"\n" })
  yield* fs.chmod(stateDirectory, 0o755)
  yield* fs.makeDirectory(`${stateDirectory}/images`)
  yield* fs.makeDirectory(`${stateDirectory}/volumes`)
  const config = QemuConfig.QemuConfig.make({
    runtimeDirectory: `${stateDirectory}/r`,
    ...options,
    stateDirectory,
    accelerator: "tcg"
  })
  const alive = Effect.map(QemuDiscovery.scan(stateDirectory), (all) => all.map(({ identity }) => identity))
  yield* killGuests(stateDirectory)
  const virtualizer = yield* QemuVirtualizer.make(config)

  /** A new hold on an instance, as a launcher that starts gets it. */
  const guest = (spec: InstanceSpec) => virtualizer.make(spec, `${stateDirectory}/instances/${spec.id}`)

  return {
    config,
    virtualizer,
    guest,
    /** The processes of this rig's guests. */
    alive,
    /** Whether one of them has this file open. */
    isOpen: (path: string) =>
      Effect.map(
        alive,
        (all) =>
          all.some(({ pid }) => readdirSync(`/proc/${pid}/fd`).some((fd) => opens(`/proc/${pid}/fd/${fd}`, path)))
      ),
    directory: (spec: InstanceSpec) => QemuDirectory.make(config, `${stateDirectory}/instances/${spec.id}`),
    boot: (spec: InstanceSpec, volumes: ReadonlyArray<Volume> = []): BootConfig => ({
      volumes,
      networks: spec.nics.map((nic, index) => Network.connection(spec.id, nic, index))
    }),
    /** A volume of one MiB that begins with this text. */
    volume: Effect.fnUntraced(function*(id: string, format: DiskFormat, text: string, readOnly = false) {
      const path = `${stateDirectory}/volumes/${id}.${format}`
      const raw = format === "raw" ? path : `${path}.raw`
      yield* fs.writeFileString(raw, text.padEnd(1024 * 1024, "\n"))
      if (format === "qcow2") {
        yield* exec("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path)
      }
      yield* fs.chmod(path, 0o666)
      return { id: VolumeId.make(id), source: { _tag: "File", path, format }, readOnly } satisfies Volume
    }),
    /** A spec without an operating system: its disk is empty, and its firmware finds nothing to boot. */
    empty: Effect.fnUntraced(function*(fields: object = {}) {
      const path = `${stateDirectory}/images/empty.raw`
      yield* fs.writeFile(path, new Uint8Array(1024 * 1024))
      yield* fs.chmod(path, 0o644)
      return yield* decodeSpec({ id: "e0", memory: "32 MiB", boot: { kind: "image", path, format: "raw" }, ...fields })
    }),
    /** A spec that boots Linux from its kernel. */
    linux: Effect.fnUntraced(function*(fields: object = {}) {
      const { commandLine, initrd, kernel } = yield* TinyGuest.copyTo(`${stateDirectory}/images`)
      return yield* decodeSpec({
        id: "1f",
        memory: "128 MiB",
        boot: { kind: "kernel", kernel, initrd, commandLine },
        ...fields
      })
    }),
    /** Makes and starts a guest. */
    start: Effect.fnUntraced(function*(guest: Guest, boot: BootConfig) {
      yield* Stream.runDrain(guest.ensureBackingImage)
      yield* guest.createImage(boot)
      yield* guest.start(boot)
    })
  }
})

/** Monitors a guest in a scope of its own, as a launcher that is closed later does. */
export const monitor = Effect.fnUntraced(function*(guest: Guest) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const monitor: Monitor = yield* Scope.provide(guest.monitor, scope)
  return { monitor, close: Scope.close(scope, Exit.void) }
})

/** Waits until the console has this text; the whole console is in the failure. */
export const until = Effect.fnUntraced(function*(guest: Guest, text: string | RegExp) {
  let seen = ""
  const isSeen = () => typeof text === "string" ? seen.includes(text) : text.test(seen)
  yield* guest.console.log({ follow: true }).pipe(
    Stream.decodeText,
    Stream.takeUntil((part) => {
      seen += part
      return isSeen()
    }),
    Stream.runDrain,
    Effect.timeoutOption("90 seconds")
  )
  if (!isSeen()) return yield* Effect.die(`the guest did not say ${text}, but:\n${seen}`)
  return seen
})
