/**
 * The demo: the whole life of a virtual machine on a state directory of its own, from a START payload to nothing left.
 *
 *   main.ts          one line for each step, and `demo: ok` when all went well
 *   main.ts --json   one JSON document on standard output
 *
 * A failed step ends it with status 1, after its cause and the last lines of the guest's console on standard error.
 * However it ends, nothing of it is left.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, FileSystem, Layer, Logger, Path, Random, Stdio } from "effect"
import * as QemuDirectory from "../../src/backend/qemu/QemuDirectory.ts"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { VolumeId } from "../../src/domain/Volume.ts"
import * as TinyGuest from "../guest/TinyGuest.ts"
import { DemoFailed } from "./LauncherProcess.ts"
import * as LauncherProcess from "./LauncherProcess.ts"
import * as Node from "./Node.ts"
import { Report, StepFailed } from "./Report.ts"
import * as Traces from "../host/Traces.ts"

const id = InstanceId.make("67d86208-b46c-4465-9018-fe14287d415f")
const bootVolume = VolumeId.make("demo-system")
const dataVolume = VolumeId.make("demo-data")

/** What the user data make the guest say, with its name. */
const greeting = "user data ran on"

/** What a control plane of the seed system would send. */
const payload = `---
start:
  instance_uuid: ${id}
  tenant_uuid: 67d86208-000-4465-9018-fe14087d415f
  vm_type: qemu
  fw_type: legacy
  requirements:
    vcpus: 1
    mem_mb: 160
  networking:
    vnic_mac: 02:00:e6:f5:af:f9
    private_ip: 192.168.8.2
    subnet: 192.168.8.0/21
  storage:
    - id: ${bootVolume}
      boot: true
...
---
#cloud-config
runcmd:
  - echo ${greeting} $(hostname)
...
---
{"uuid": "${id}", "hostname": "demo"}
...
`

const ensure = (condition: boolean, otherwise: string): Effect.Effect<void, DemoFailed> =>
  condition ? Effect.void : Effect.fail(new DemoFailed({ message: otherwise }))

/** A directory that guests' user can pass through. Whatever the demo left is ended and removed with it. */
const stateDirectory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* Effect.acquireRelease(fs.makeTempDirectory({ prefix: "vivarium-demo-" }), Traces.sweep)
  yield* fs.chmod(directory, 0o711)
  return directory
})

const consolePath = (state: string): string =>
  QemuDirectory.make(Node.config(state), `${state}/instances/${id}`).consoleLog

/** Puts a volume where the launcher looks for it. */
const putVolume = Effect.fnUntraced(function*<E, R>(
  state: string,
  volume: VolumeId,
  write: (path: string) => Effect.Effect<void, E, R>
) {
  const { join } = yield* Path.Path
  yield* write(join(state, "volumes", `${volume}.raw`))
})

/** The number in a guest's handle, and how its processors are run, from its command line. */
const guestProcess = Effect.fnUntraced(function*(launcher: LauncherProcess.LauncherProcess) {
  const fs = yield* FileSystem.FileSystem
  const { guests, incarnation, instances } = yield* launcher.ask({ _tag: "Look" }, "Node")
  yield* ensure(guests.length === 1, `there are ${guests.length} guests`)
  const pid = Number(/\d+/.exec(guests[0]?.handle ?? "")?.[0])
  const commandLine = (yield* fs.readFileString(`/proc/${pid}/cmdline`)).split("\0")
  const accelerator = commandLine[commandLine.indexOf("-accel") + 1]?.split(",")[0] ?? "unknown"
  return { pid, accelerator, incarnation, state: instances[0]?.state }
})

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? "unknown" : `${Math.round(bytes / 1_048_576)} MiB`

/** The guest's life up to the death of its launcher. Answers its process. */
const firstLauncher = Effect.fnUntraced(function*(report: Report, state: string) {
  const fs = yield* FileSystem.FileSystem
  const launcher = yield* report.step(
    "start a launcher",
    Effect.tap(LauncherProcess.make(state), (launcher) => launcher.ask({ _tag: "Look" }, "Node")),
    ({ pid }) => `process ${pid}`
  )
  const guest = yield* report.step(
    "start from a START payload",
    Effect.andThen(launcher.ask({ _tag: "Start", payload }, "Done"), guestProcess(launcher)),
    ({ accelerator, pid }) => `connected: process ${pid}, by ${accelerator}`
  )
  yield* report.step(
    "boot Linux from its volume",
    Effect.tap(
      launcher.ask({ _tag: "Await", id, text: greeting }, "Line"),
      () => launcher.ask({ _tag: "Await", id, text: TinyGuest.ready }, "Line")
    ),
    ({ line }) => `it says: ${line}`
  )
  yield* report.step(
    "show what it uses",
    launcher.ask({ _tag: "Measure", id }, "Stats"),
    ({ stats }) => `${mebibytes(stats.memoryBytes)}, processor at ${stats.cpuRatio?.toFixed(2) ?? "unknown"}`
  )

  const token = `token-${(yield* Random.nextIntBetween(0, 2 ** 48 - 1)).toString(16)}`
  const appeared = yield* report.step(
    "attach a volume",
    Effect.gen(function*() {
      yield* putVolume(state, dataVolume, (path) => fs.writeFileString(path, token.padEnd(1_048_576, "\n")))
      yield* launcher.ask({ _tag: "Attach", id, volume: dataVolume }, "Done")
      return yield* launcher.ask(
        { _tag: "Await", id, text: `serial=${dataVolume} bytes=1048576 head=${token}` },
        "Line"
      )
    }),
    () => `the guest reads ${token} on it`
  )
  // VIVARIUM-DISK + NAME …
  const disk = appeared.line.split(" ")[2] ?? ""
  yield* report.step(
    "detach the volume",
    Effect.andThen(
      launcher.ask({ _tag: "Detach", id, volume: dataVolume }, "Done"),
      launcher.ask({ _tag: "Await", id, text: `VIVARIUM-DISK - ${disk}` }, "Line")
    ),
    () => `the guest saw ${disk} go`
  )
  yield* report.step(
    "kill the launcher (SIGKILL)",
    Effect.gen(function*() {
      yield* launcher.kill
      yield* ensure((yield* Traces.processes(state)).includes(guest.pid), "the guest died with it")
    }),
    () => `process ${guest.pid} runs on`
  )
  return guest
}, Effect.scoped)

/** The guest's life under another launcher, to its end. Answers the process that was adopted. */
const secondLauncher = Effect.fnUntraced(function*(report: Report, state: string, pid: number) {
  const fs = yield* FileSystem.FileSystem
  const { guest, launcher } = yield* report.step(
    "adopt the guest",
    Effect.gen(function*() {
      const launcher = yield* LauncherProcess.make(state)
      const guest = yield* guestProcess(launcher)
      yield* ensure(guest.pid === pid, `its process is ${guest.pid}, and was ${pid}`)
      yield* ensure(guest.state === "Running", `it is ${guest.state}`)
      return { launcher, guest }
    }),
    ({ guest }) => `launcher ${guest.incarnation} has process ${guest.pid}`
  )
  yield* report.step(
    "ask it to power down",
    Effect.gen(function*() {
      yield* launcher.ask({ _tag: "Stop", id }, "Done")
      yield* ensure(!(yield* Traces.processes(state)).includes(pid), `process ${pid} is still there`)
      const said = yield* fs.readFileString(consolePath(state))
      yield* ensure(said.includes(TinyGuest.powerButton), "it went without having been asked")
    }),
    () => "it saw its power button and went"
  )
  yield* report.step("delete it", launcher.ask({ _tag: "Delete", id }, "Done"))
  yield* report.step(
    "look for traces",
    Effect.gen(function*() {
      yield* launcher.leave
      const files = yield* Traces.files(state)
      yield* ensure(files.length === 0, `there are files: ${files.join(", ")}`)
      const processes = yield* Traces.processes(state)
      yield* ensure(processes.length === 0, `there are processes: ${processes.join(", ")}`)
    }),
    () => "no process, no file, no socket"
  )
  return guest.pid
}, Effect.scoped)

/** How many lines of the console are shown after a failure. */
const tailLines = 20

const tell = Effect.fnUntraced(function*(state: string, failure: { readonly message: string }) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(consolePath(state)), () => "")
  const tail = text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").slice(-tailLines)
  yield* Console.error(`FAILED ${failure.message}`)
  yield* Console.error(tail.length === 0 ? "the console is empty" : ["the console's end:", ...tail].join("\n  | "))
})

const demo = Effect.fnUntraced(function*(report: Report) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const state = yield* stateDirectory.pipe(
    Effect.mapError((error) => new StepFailed({ step: "make a state directory", cause: error.message })),
    Effect.tapError(({ message }) => Console.error(`FAILED ${message}`))
  )
  return yield* Effect.gen(function*() {
    yield* report.step(
      "prepare the guest's image",
      Effect.gen(function*() {
        const { bootDisk } = yield* TinyGuest.ensure
        yield* fs.makeDirectory(join(state, "volumes"), { mode: 0o711 })
        yield* putVolume(state, bootVolume, (path) => fs.copyFile(bootDisk, path))
      })
    )
    const { accelerator, pid } = yield* firstLauncher(report, state)
    const adoptedPid = yield* secondLauncher(report, state, pid)
    return { ok: true, accelerator, guest: { pid, adoptedPid } }
  }).pipe(Effect.tapError((failure) => tell(state, failure)))
}, Effect.scoped)

const main = Effect.gen(function*() {
  const { args } = yield* Stdio.Stdio
  const report = new Report((yield* args).includes("--json"))
  const { steps } = report
  const result = yield* demo(report).pipe(
    Effect.tapError(({ cause, step }) =>
      report.json
        ? Console.log(JSON.stringify({ ok: false, accelerator: null, guest: null, steps, failure: { step, cause } }))
        : Effect.void
    )
  )
  yield* Console.log(report.json ? JSON.stringify({ ...result, steps }) : "demo: ok")
}).pipe(Effect.onInterrupt(() => Console.error("demo: interrupted, and nothing of it is left")))

// A terminal that closes, or a reader that has seen enough, ends the demo like a Ctrl-C.
const interrupt = () => process.kill(process.pid, "SIGTERM")
process.on("SIGHUP", interrupt)
process.stdout.on("error", interrupt)

main.pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
