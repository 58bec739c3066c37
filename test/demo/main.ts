/**
 * The demo: the whole life of a guest on a state directory of its own, from a START payload to nothing left.
 *
 *   main.ts                        a virtual machine: one line for each step, and `demo: ok` when all went well
 *   main.ts --virtualizer docker   a container, on an engine of the demo's own
 *   main.ts --json                 one JSON document on standard output
 *
 * A failed step ends it with status 1, after its cause and the last lines of the guest's console on standard error.
 * However it ends, nothing of it is left.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, FileSystem, Layer, Logger, type Path, Random, type Scope } from "effect"
import { Command, Flag } from "effect/cli"
import type { ChildProcessSpawner } from "effect/process"
import * as Traces from "../host/Traces.ts"
import * as Container from "./Container.ts"
import { DemoFailed } from "./LauncherProcess.ts"
import * as LauncherProcess from "./LauncherProcess.ts"
import { Report, StepFailed } from "./Report.ts"
import { dataVolume, id, type Subject } from "./Subject.ts"
import * as VirtualMachine from "./VirtualMachine.ts"

type VirtualizerName = "docker" | "qemu"

type Services = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Scope.Scope

const prepare = (
  virtualizer: VirtualizerName,
  state: string
): Effect.Effect<Subject, { readonly message: string }, Services> =>
  virtualizer === "docker" ? Container.make(state) : VirtualMachine.make(state)

const ensure = (condition: boolean, otherwise: string): Effect.Effect<void, DemoFailed> =>
  condition ? Effect.void : Effect.fail(new DemoFailed({ message: otherwise }))

/** A directory that guests' user can pass through. Whatever the demo left is ended and removed with it. */
const stateDirectory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* Effect.acquireRelease(fs.makeTempDirectory({ prefix: "vivarium-demo-" }), Traces.sweep)
  yield* fs.chmod(directory, 0o711)
  return directory
})

/** The guest that there is, and its process. */
const guestProcess = Effect.fnUntraced(function*(launcher: LauncherProcess.LauncherProcess, subject: Subject) {
  const { guests, incarnation, instances } = yield* launcher.ask({ _tag: "Look" }, "Node")
  yield* ensure(guests.length === 1, `there are ${guests.length} guests`)
  const process = yield* subject.process(guests[0]?.handle ?? "")
  return { ...process, incarnation, state: instances[0]?.state }
})

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? "unknown" : `${Math.round(bytes / 1_048_576)} MiB`

/** The guest's life up to the death of its launcher. Answers its process. */
const firstLauncher = Effect.fnUntraced(function*(report: Report, state: string, subject: Subject) {
  const launcher = yield* report.step(
    "start a launcher",
    Effect.tap(
      LauncherProcess.make(state, subject.launcherArguments),
      (launcher) => launcher.ask({ _tag: "Look" }, "Node")
    ),
    ({ pid }) => `process ${pid}`
  )
  const guest = yield* report.step(
    "start from a START payload",
    Effect.andThen(
      launcher.ask({ _tag: "Start", payload: subject.payload }, "Done"),
      guestProcess(launcher, subject)
    ),
    ({ accelerator, pid }) => `connected: process ${pid}${accelerator === null ? "" : `, by ${accelerator}`}`
  )
  yield* report.step(
    subject.boots.name,
    Effect.forEach(subject.boots.says, (text) => launcher.ask({ _tag: "Await", id, text }, "Line")),
    (said) => `it says: ${said.at(-1)?.line ?? "nothing"}`
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
      yield* subject.putData(token)
      yield* launcher.ask({ _tag: "Attach", id, volume: dataVolume }, "Done")
      return yield* launcher.ask({ _tag: "Await", id, text: subject.sees(token) }, "Line")
    }),
    () => `the guest reads ${token} on it`
  )
  yield* report.step(
    "detach the volume",
    Effect.andThen(
      launcher.ask({ _tag: "Detach", id, volume: dataVolume }, "Done"),
      launcher.ask({ _tag: "Await", id, text: subject.misses(appeared.line) }, "Line")
    ),
    ({ line }) => `it says: ${line}`
  )
  yield* report.step(
    "kill the launcher (SIGKILL)",
    Effect.gen(function*() {
      yield* launcher.kill
      yield* ensure(yield* subject.isAlive(guest.pid), "the guest died with it")
    }),
    () => `process ${guest.pid} runs on`
  )
  return guest
}, Effect.scoped)

/** The guest's life under another launcher, to its end. Answers the process that was adopted. */
const secondLauncher = Effect.fnUntraced(function*(report: Report, state: string, subject: Subject, pid: number) {
  const { guest, launcher } = yield* report.step(
    "adopt the guest",
    Effect.gen(function*() {
      const launcher = yield* LauncherProcess.make(state, subject.launcherArguments)
      const guest = yield* guestProcess(launcher, subject)
      yield* ensure(guest.pid === pid, `its process is ${guest.pid}, and was ${pid}`)
      yield* ensure(guest.state === "Running", `it is ${guest.state}`)
      return { launcher, guest }
    }),
    ({ guest }) => `launcher ${guest.incarnation} has process ${guest.pid}`
  )
  yield* report.step(
    subject.isAsked.name,
    Effect.gen(function*() {
      yield* launcher.ask({ _tag: "Stop", id }, "Done")
      yield* ensure(!(yield* subject.isAlive(pid)), `process ${pid} is still there`)
      yield* ensure((yield* subject.console).includes(subject.isAsked.says), "it went without having been asked")
    }),
    () => subject.isAsked.detail
  )
  yield* report.step("delete it", launcher.ask({ _tag: "Delete", id }, "Done"))
  yield* report.step(
    "look for traces",
    Effect.gen(function*() {
      yield* launcher.leave
      const files = yield* Traces.files(state)
      yield* ensure(files.length === 0, `there are files: ${files.join(", ")}`)
      const traces = yield* subject.traces
      yield* ensure(traces.length === 0, `there are: ${traces.join(", ")}`)
    }),
    () => "nothing"
  )
  return guest.pid
}, Effect.scoped)

/** How many lines of the console are shown after a failure. */
const tailLines = 20

const tell = Effect.fnUntraced(function*(failure: { readonly message: string }, subject?: Subject) {
  const text = subject === undefined ? "" : yield* Effect.orElseSucceed(subject.console, () => "")
  const tail = text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").slice(-tailLines)
  yield* Console.error(`FAILED ${failure.message}`)
  yield* Console.error(tail.length === 0 ? "the console is empty" : ["the console's end:", ...tail].join("\n  | "))
})

const demo = Effect.fnUntraced(function*(report: Report, virtualizer: VirtualizerName) {
  const state = yield* stateDirectory.pipe(
    Effect.mapError((error) => new StepFailed({ step: "make a state directory", cause: error.message })),
    Effect.tapError(({ message }) => Console.error(`FAILED ${message}`))
  )
  const subject = yield* report.step("prepare the guest's image", prepare(virtualizer, state)).pipe(
    Effect.tapError((failure) => tell(failure))
  )
  return yield* Effect.gen(function*() {
    const { accelerator, pid } = yield* firstLauncher(report, state, subject)
    const adoptedPid = yield* secondLauncher(report, state, subject, pid)
    return { ok: true, accelerator, guest: { pid, adoptedPid } }
  }).pipe(Effect.tapError((failure) => tell(failure, subject)))
}, Effect.scoped)

const run = Effect.fnUntraced(function*(json: boolean, virtualizer: VirtualizerName) {
  const report = new Report(json)
  const { steps } = report
  const result = yield* demo(report, virtualizer).pipe(
    Effect.tapError(({ cause, step }) =>
      report.json
        ? Console.log(JSON.stringify({ ok: false, accelerator: null, guest: null, steps, failure: { step, cause } }))
        : Effect.void
    )
  )
  yield* Console.log(report.json ? JSON.stringify({ ...result, steps }) : "demo: ok")
}, Effect.onInterrupt(() => Console.error("demo: interrupted, and nothing of it is left")))

const main = Command.make("demo", {
  json: Flag.Boolean("json").pipe(Flag.withDefault(false)),
  virtualizer: Flag.Literals("virtualizer", ["qemu", "docker"]).pipe(Flag.withDefault("qemu"))
}, ({ json, virtualizer }) => run(json, virtualizer))

// A terminal that closes, or a reader that has seen enough, ends the demo like a Ctrl-C.
const interrupt = () => process.kill(process.pid, "SIGTERM")
process.on("SIGHUP", interrupt)
process.stdout.on("error", interrupt)

Command.run(main, { version: "0.1.0" }).pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
