/**
 * What a node needs, what is missing of it, and the command that mends it.
 */
import { readFileSync } from "node:fs"
import { Context, Effect, FileSystem, Layer, type Path, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { Doctor } from "../api/Doctor.ts"
import type { Check } from "../api/NodeApi.ts"
import * as HostUser from "../backend/qemu/HostUser.ts"
import * as KvmProbe from "../backend/qemu/KvmProbe.ts"
import type { QemuConfig } from "../backend/qemu/QemuConfig.ts"
import type { EngineClient } from "../docker/EngineClient.ts"
import * as NodeResourcesLinux from "../launcher/NodeResourcesLinux.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import type { VirtualizerName } from "./DaemonConfig.ts"

type Services = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path

/** A Docker Engine. Nothing is loaded or connected to before it is asked for. */
export type Engine = Layer.Layer<EngineClient, VirtualizerError, FileSystem.FileSystem | Path.Path>

/** What is looked at. */
export interface Needs {
  readonly qemu: QemuConfig
  /** What runs guests here. */
  readonly virtualizers: ReadonlyArray<VirtualizerName>
  readonly engine: Engine
}

/** How long one program may take to say its version. */
const patience = "5 seconds"

const install = (name: string) => `apt-get install --no-install-recommends ${name}`

/** A program, and the first line of what it says of itself. */
const program = Effect.fnUntraced(
  function*(name: string, command: string, debianPackage: string, ...args: Array<string>) {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const said = yield* Effect.option(
      spawner.spawn(ChildProcess.make(command, args, { stderr: "ignore", stdin: "ignore" })).pipe(
        Effect.flatMap((child) => Stream.mkString(Stream.decodeText(child.stdout))),
        Effect.scoped,
        Effect.timeout(patience)
      )
    )
    return said._tag === "Some"
      ? { name, status: "ok", detail: said.value.split("\n")[0].trim() || command } satisfies Check
      : { name, status: "missing", detail: `${command} can not be run`, remedy: install(debianPackage) } satisfies Check
  }
)

const kvm = Effect.fnUntraced(function*(config: QemuConfig): Effect.fn.Return<Check, never, Services> {
  const fs = yield* FileSystem.FileSystem
  const name = "kvm"
  if (!(yield* Effect.orElseSucceed(fs.exists("/dev/kvm"), () => false))) {
    return {
      name,
      status: "warning",
      detail: "there is no /dev/kvm: guests are emulated, and slow",
      remedy: "modprobe kvm_intel || modprobe kvm_amd"
    }
  }
  return yield* Effect.flatMap(
    HostUser.make(config),
    (user) => KvmProbe.acceleration({ ...config, accelerator: "auto" }, user)
  ).pipe(
    Effect.map(({ accelerator, detail }): Check =>
      accelerator === "kvm"
        ? { name, status: "ok", detail }
        : {
          name,
          status: "warning",
          detail: `guests are emulated, and slow: ${detail}`,
          remedy: detail.includes("may not open")
            ? "chmod o+rw /dev/kvm, or have udev do it"
            : "see that virtualization is on in the firmware, and nested virtualization where this is a guest"
        }
    ),
    Effect.catch((error) => Effect.succeed<Check>({ name, status: "unknown", detail: error.message }))
  )
})

/** The command that mends it, where that is known. */
const dockerRemedy = (address: string, detail: string): { readonly remedy?: string } => {
  if (detail.includes("EACCES")) return { remedy: "add the daemon's user to the group docker" }
  return address.startsWith("unix:") ? { remedy: `${install("docker.io")} && systemctl start docker` } : {}
}

const docker = Effect.fnUntraced(
  function*(engine: Engine) {
    const name = "docker"
    const [{ EngineClient }, System] = yield* Effect.promise(() =>
      Promise.all([import("../docker/EngineClient.ts"), import("../docker/System.ts")])
    )
    const client = Context.get(yield* Layer.build(engine), EngineClient)
    const { address } = client.endpoint
    return yield* Effect.match(client.execute(System.version, { deadline: patience }), {
      onFailure: ({ message }): Check => ({
        name,
        status: "missing",
        detail: message,
        ...dockerRemedy(address, message)
      }),
      onSuccess: ({ Version }): Check => ({
        name,
        status: "ok",
        detail: `Docker Engine ${Version} answers at ${address}`
      })
    })
  },
  Effect.scoped,
  Effect.catch(({ message }) => Effect.succeed<Check>({ name: "docker", status: "missing", detail: message }))
)

const file = Effect.fnUntraced(function*(name: string, path: string, lacking: Omit<Check, "name">) {
  const fs = yield* FileSystem.FileSystem
  return (yield* Effect.orElseSucceed(fs.exists(path), () => false))
    ? { name, status: "ok", detail: path } satisfies Check
    : { name, ...lacking } satisfies Check
})

/** Either version tells what the daemon may use. */
const cgroups = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const name = "cgroups"
  const isThere = (path: string) => Effect.orElseSucceed(fs.exists(path), () => false)
  if (yield* isThere("/sys/fs/cgroup/cgroup.controllers")) {
    return { name, status: "ok", detail: "version 2" } satisfies Check
  }
  if (yield* isThere("/sys/fs/cgroup/memory")) return { name, status: "ok", detail: "version 1" } satisfies Check
  return {
    name,
    status: "warning",
    detail: "no control groups are mounted: limits on memory are not seen",
    remedy: "mount -t cgroup2 none /sys/fs/cgroup"
  } satisfies Check
})

const descriptorsWanted = 16_384

const descriptors = Effect.try({
  try: () => Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]),
  catch: () => "unreadable" as const
}).pipe(Effect.match({
  onFailure: (): Check => ({ name: "descriptors", status: "unknown", detail: "/proc/self/limits can not be read" }),
  onSuccess: (most): Check =>
    most >= descriptorsWanted
      ? { name: "descriptors", status: "ok", detail: `${most} for the daemon: for ${Math.floor(most / 5)} instances` }
      : {
        name: "descriptors",
        status: "warning",
        detail: `${most} for the daemon: for ${Math.floor(most / 5)} instances`,
        remedy: `set LimitNOFILE=${descriptorsWanted} in the unit, or ulimit -n ${descriptorsWanted}`
      }
}))

const disk = Effect.fnUntraced(function*(stateDirectory: string): Effect.fn.Return<Check> {
  const name = "disk"
  const resources = yield* NodeResourcesLinux.make(stateDirectory)
  return yield* Effect.match(resources.sample, {
    onFailure: (error): Check => ({ name, status: "unknown", detail: error.message }),
    onSuccess: ({ diskAvailableBytes, diskTotalBytes }): Check => {
      const detail = `${Math.floor(diskAvailableBytes / 2 ** 30)} of ${
        Math.floor(diskTotalBytes / 2 ** 30)
      } GiB are free at ${stateDirectory}`
      return diskAvailableBytes < diskTotalBytes * 0.05
        ? { name, status: "warning", detail, remedy: "free some, or move the state directory" }
        : { name, status: "ok", detail }
    }
  })
})

/** What a virtualizer needs is missing only on a node that is to have it. */
const forSome = (isWanted: boolean) =>
  Effect.map((check: Check): Check => check.status === "missing" && !isWanted ? { ...check, status: "warning" } : check)

/** Looks at all of it. Nothing is changed, but that the answer about KVM is kept in the state directory. */
export const all = (
  { engine, qemu, virtualizers }: Needs
): Effect.Effect<ReadonlyArray<Check>, never, Services> => {
  const forQemu = forSome(virtualizers.includes("qemu"))
  return Effect.all([
    forQemu(program("qemu", qemu.emulator, "qemu-system-x86", "--version")),
    forQemu(program("qemu-img", "qemu-img", "qemu-utils", "--version")),
    kvm(qemu),
    forSome(virtualizers.includes("docker"))(docker(engine)),
    forQemu(program("iso", "xorriso", "xorriso", "-version")),
    file("firmware", "/usr/share/OVMF/OVMF_CODE_4M.fd", {
      status: "warning",
      detail: "guests with firmware efi can not be started",
      remedy: install("ovmf")
    }),
    cgroups,
    program("flock", "flock", "util-linux", "--version"),
    forQemu(program("setpriv", "setpriv", "util-linux", "--version")),
    descriptors,
    disk(qemu.stateDirectory)
  ], { concurrency: 4 })
}

export const layer = (needs: Needs): Layer.Layer<Doctor, never, Services> =>
  Layer.effect(
    Doctor,
    Effect.map(
      Effect.context<Services>(),
      (context) => Doctor.of({ checks: Effect.provideContext(all(needs), context) })
    )
  )
