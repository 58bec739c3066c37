import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { type Cause, Effect, Fiber, FileSystem, Path, Queue, Schedule, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Traces from "../../host/Traces.ts"

const Result = Schema.fromJsonString(Schema.Struct({
  ok: Schema.Literal(true),
  accelerator: Schema.NullOr(Schema.Literals(["kvm", "tcg"])),
  guest: Schema.Struct({ pid: Schema.Int, adoptedPid: Schema.Int }),
  steps: Schema.Array(Schema.Struct({ name: Schema.String, millis: Schema.Int }))
}))

/** The steps of a virtual machine's life, and of a container's. */
const steps = (boots: string, isAsked: string) => [
  "prepare the guest's image",
  "start a launcher",
  "start from a START payload",
  boots,
  "show what it uses",
  "attach a volume",
  "detach the volume",
  "kill the launcher (SIGKILL)",
  "adopt the guest",
  isAsked,
  "delete it",
  "look for traces"
]

/**
 * The demo, as a user runs it, but for its temporary files, which are in a directory of the test, and for programs that
 * the test has in the place of others: shell scripts by name.
 */
const demo = Effect.fnUntraced(function*(options: {
  readonly args?: ReadonlyArray<string>
  readonly programs?: Readonly<Record<string, string>>
}) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "demo-" })
  const programs = path.join(directory, "bin")
  const temporary = path.join(directory, "tmp")
  yield* Effect.forEach(
    [directory, programs, temporary],
    (made) => Effect.andThen(fs.makeDirectory(made, { recursive: true }), fs.chmod(made, 0o755))
  )
  for (const [name, script] of Object.entries(options.programs ?? {})) {
    yield* fs.writeFileString(path.join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  // Whatever a demo that is broken left.
  yield* Effect.addFinalizer(() => Traces.sweep(temporary))
  const main = yield* path.fromFileUrl(new URL("../../demo/main.ts", import.meta.url))
  const child = yield* ChildProcess.make(process.execPath, [main, ...options.args ?? []], {
    env: { TMPDIR: temporary, PATH: `${programs}:${process.env.PATH}` },
    extendEnv: true,
    stdin: "ignore",
    forceKillAfter: "30 seconds"
  })
  const lines = yield* Queue.unbounded<string, Cause.Done>()
  yield* child.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Queue.offer(lines, line)),
    Effect.andThen(Queue.end(lines)),
    Effect.forkScoped
  )
  const errors = yield* Effect.forkScoped(Stream.mkString(Stream.decodeText(child.stderr)))
  return {
    exited: child.exitCode,
    line: Queue.take(lines).pipe(
      Effect.timeout("60 seconds"),
      Effect.catch(() => Effect.flatMap(Fiber.join(errors), (said) => Effect.die(`the demo ended: ${said}`)))
    ),
    errors: Fiber.join(errors),
    /** A signal for the demo alone. */
    signal: (name: NodeJS.Signals) => Effect.sync(() => process.kill(child.pid, name)),
    processes: Traces.processes(temporary),
    files: fs.readDirectory(temporary)
  }
})

/** A demo that is killed in the middle: those it started see to the rest. */
const killed = Effect.gen(function*() {
  const run = yield* demo({})
  yield* run.line.pipe(Effect.repeat({ until: (line) => line.startsWith("start from") }))
  yield* run.signal("SIGKILL")
  yield* Effect.exit(run.exited)
  const left = yield* Effect.zipWith(run.processes, run.files, (processes, files) => [...processes, ...files]).pipe(
    Effect.repeat({ until: (left) => left.length === 0, schedule: Schedule.spaced("50 millis"), times: 400 })
  )
  assert.deepStrictEqual(left, [])
})

layer(NodeServices.layer, { excludeTestServices: true })("the demo", (it) => {
  for (
    const [virtualizer, args, names] of [
      ["qemu", [], steps("boot Linux from its volume", "ask it to power down")],
      ["docker", ["--virtualizer", "docker"], steps("run its command", "ask it to end")]
    ] as const
  ) {
    it.effect(`takes a guest of ${virtualizer} through its life, and prints one JSON document`, () =>
      Effect.gen(function*() {
        const run = yield* demo({ args: ["--json", ...args] })
        const result = yield* Schema.decodeEffect(Result)(yield* run.line)
        assert.strictEqual(yield* run.exited, 0)
        assert.isAbove(result.guest.pid, 1)
        assert.strictEqual(result.guest.adoptedPid, result.guest.pid)
        assert.strictEqual(result.accelerator === null, virtualizer === "docker")
        assert.deepStrictEqual(result.steps.map(({ name }) => name), names)
        assert.deepStrictEqual(yield* run.files, [])
        assert.deepStrictEqual(yield* run.processes, [])
      }))
  }

  it.effect("tells which step failed and why, and leaves nothing", () =>
    Effect.gen(function*() {
      const run = yield* demo({ programs: { "qemu-system-x86_64": "echo no guests today >&2; exit 3" } })
      assert.strictEqual(yield* run.exited, 1)
      const errors = yield* run.errors
      assert.include(errors, "FAILED start from a START payload: ")
      assert.include(errors, "no guests today")
      assert.include(errors, "the console is empty")
      assert.deepStrictEqual(yield* run.files, [])
      assert.deepStrictEqual(yield* run.processes, [])
    }))

  // After this step, and so in the middle of the next.
  for (
    const [signal, step] of [
      ["SIGINT", "prepare"],
      ["SIGHUP", "start a launcher"],
      ["SIGTERM", "start from"],
      ["SIGINT", "kill"]
    ] as const
  ) {
    it.effect(`leaves nothing after ${signal}, which comes when it has passed "${step}"`, () =>
      Effect.gen(function*() {
        const run = yield* demo({})
        yield* run.line.pipe(Effect.repeat({ until: (line) => line.startsWith(step) }))
        yield* run.signal(signal)
        assert.strictEqual(yield* run.exited, 130)
        assert.deepStrictEqual(yield* run.processes, [])
        assert.deepStrictEqual(yield* run.files, [])
      }))
  }

  // What an engine has is in its own place, which ends with whoever made it: see its test.
  it.effect("leaves nothing when it is killed itself", () => killed)

  it.effect("leaves no container after SIGINT", () =>
    Effect.gen(function*() {
      const run = yield* demo({ args: ["--virtualizer", "docker"] })
      yield* run.line.pipe(Effect.repeat({ until: (line) => line.startsWith("start from") }))
      yield* run.signal("SIGINT")
      assert.strictEqual(yield* run.exited, 130)
      assert.deepStrictEqual(yield* run.processes, [])
      assert.deepStrictEqual(yield* run.files, [])
    }))
})
