import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as HostUser from "../../../src/backend/qemu/HostUser.ts"
import * as KvmProbe from "../../../src/backend/qemu/KvmProbe.ts"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"

const host = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "kvm-probe-" }), fs.realPath)
  yield* fs.chmod(directory, 0o755)
  const config = QemuConfig.make({ stateDirectory: directory })
  const user = yield* HostUser.make(config)
  const trial = { emulator: "qemu-system-x86_64", accelerator: "tcg", cpu: "max", user, groups: [], directory } as const
  return { fs, directory, config, user, trial }
})

/** The processes that have this in their command line. */
const processes = Effect.fnUntraced(function*(text: string) {
  const fs = yield* FileSystem.FileSystem
  const names = (yield* fs.readDirectory("/proc")).filter((name) => /^\d+$/.test(name))
  const lines = yield* Effect.forEach(
    names,
    (pid) => Effect.orElseSucceed(fs.readFileString(`/proc/${pid}/cmdline`), () => "")
  )
  return lines.filter((line) => line.includes(text))
})

/** A host where `/dev/kvm` is such a file, or is not there. */
const withDevice = (info: Partial<FileSystem.File.Info> | undefined) =>
  Effect.provideServiceEffect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({
      ...fs,
      stat: (path: string) =>
        path !== "/dev/kvm"
          ? fs.stat(path)
          : info === undefined
          ? fs.stat("/dev/kvm-missing")
          : Effect.map(fs.stat("/dev/null"), (device) => ({ ...device, ...info }))
    }))
  )

/** A host whose emulator is this shell script. */
const withEmulator = (script: string) =>
  Effect.provideServiceEffect(
    ChildProcessSpawner.ChildProcessSpawner,
    Effect.map(ChildProcessSpawner.ChildProcessSpawner, (spawner) =>
      ChildProcessSpawner.make((command) =>
        spawner.spawn(
          command._tag === "StandardCommand"
            ? ChildProcess.make("sh", ["-c", script, "sh", ...command.args], command.options)
            : command
        )
      ))
  )

const works = "exit 83"
const hangs = "exec sleep 600"

layer(NodeServices.layer, { excludeTestServices: true })("KvmProbe", (it) => {
  describe("trial", () => {
    it.effect("runs its guest to the end where guests run", () =>
      Effect.gen(function*() {
        const { directory, fs, trial } = yield* host
        assert.isUndefined(yield* KvmProbe.trial(trial))
        assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
      }))

    it.effect("says why there is no guest", () =>
      Effect.gen(function*() {
        const { trial } = yield* host
        assert.include(yield* KvmProbe.trial({ ...trial, cpu: "no-such-cpu" }), "no-such-cpu")
        const failure = yield* KvmProbe.trial({ ...trial, emulator: "qemu-system-missing" }).pipe(Effect.flip)
        assert.strictEqual(failure.reason._tag, "HostFailure")
        assert.include(failure.message, "install it (Debian package qemu-system-x86)")
      }))

    it.effect("gives up on a guest that hangs, and leaves none", () =>
      Effect.gen(function*() {
        const { directory, fs, trial } = yield* host
        const before = yield* Clock.currentTimeMillis
        assert.include(yield* KvmProbe.trial(trial).pipe(withEmulator(hangs)), "did not end within 3s")
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 60_000)
        assert.deepStrictEqual(yield* processes(directory), [])
        assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
      }))

    it.effect("leaves no guest when it is interrupted", () =>
      Effect.gen(function*() {
        const { directory, fs, trial } = yield* host
        const fiber = yield* Effect.forkChild(KvmProbe.trial(trial).pipe(withEmulator(`sleep 600 # ${directory}`)))
        yield* processes(directory).pipe(
          Effect.repeat({ until: (found) => found.length > 0 }),
          Effect.timeout("20 seconds")
        )
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* processes(directory), [])
        assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
      }))

    it.effect("ends by its deadline with this host's KVM, whatever that does", () =>
      Effect.gen(function*() {
        const { directory, trial } = yield* host
        const root = { uid: 0, gid: 0, switched: trial.user.switched }
        const failure = yield* KvmProbe.trial({
          ...trial,
          accelerator: "kvm",
          cpu: "qemu64",
          user: trial.user.switched ? root : trial.user
        })
        assert.isTrue(failure === undefined || failure.startsWith("a trial guest"))
        assert.deepStrictEqual(yield* processes(directory), [])
      }))
  })

  describe("acceleration", () => {
    const open = { mode: 0o20666 }

    it.effect("is tcg at once where it is configured, there is no device, or it may not be opened", () =>
      Effect.gen(function*() {
        const { config, directory, fs, user } = yield* host
        const never = withEmulator(works)
        const tcg = yield* KvmProbe.acceleration({ ...config, accelerator: "tcg" }, user).pipe(withDevice(open), never)
        assert.strictEqual(tcg.accelerator, "tcg")
        const missing = yield* KvmProbe.acceleration(config, user).pipe(withDevice(undefined), never)
        assert.deepInclude(missing, { accelerator: "tcg", detail: "there is no /dev/kvm" })
        const closed = yield* KvmProbe.acceleration(config, { uid: 64999, gid: 64999, switched: true }).pipe(
          withDevice({ mode: 0o20600 }),
          never
        )
        assert.strictEqual(closed.accelerator, "tcg")
        assert.include(closed.detail, "may not open /dev/kvm")
        assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
      }))

    it.effect("is kvm where a trial guest runs, and is remembered for this boot", () =>
      Effect.gen(function*() {
        const { config, directory, fs, user } = yield* host
        const found = (script: string, mode = open.mode) =>
          KvmProbe.acceleration(config, user).pipe(
            withDevice({ mode }),
            withEmulator(script),
            Effect.map((found) => found.accelerator)
          )
        assert.strictEqual(yield* found(works), "kvm")
        assert.strictEqual(yield* found("exit 1"), "kvm")
        // Another mode of the device is another circumstance, and so is another boot.
        assert.strictEqual(yield* found("exit 1", 0o20667), "tcg")
        assert.strictEqual(yield* found(works, 0o20667), "tcg")
        const file = `${directory}/kvm.json`
        const text = yield* fs.readFileString(file)
        yield* fs.writeFileString(file, text.replace(/[0-9a-f]{8}-/, "00000000-"))
        assert.strictEqual(yield* found(works, 0o20667), "kvm")
        // So is a record that was only half written.
        yield* fs.writeFileString(file, text.slice(0, 20))
        assert.strictEqual(yield* found(works, 0o20667), "kvm")
        assert.deepStrictEqual(yield* fs.readDirectory(directory), ["kvm.json"])
      }))

    it.effect("keeps the device's group where that is what admits the guests' user", () =>
      Effect.gen(function*() {
        const { config, user } = yield* host
        if (!user.switched) return
        const found = yield* KvmProbe.acceleration(config, user).pipe(
          withDevice({ mode: 0o20660 }),
          withEmulator(works)
        )
        assert.deepInclude(found, { accelerator: "kvm", groups: [0] })
      }))

    it.effect("fails, and says why, where kvm is demanded and does not work", () =>
      Effect.gen(function*() {
        const { config, user } = yield* host
        const failure = (script: string, info: Partial<FileSystem.File.Info> | undefined) =>
          KvmProbe.acceleration({ ...config, accelerator: "kvm" }, user).pipe(
            withDevice(info),
            withEmulator(script),
            Effect.flip,
            Effect.map(({ reason }) => `${reason._tag}: ${reason.message}`)
          )
        assert.match(yield* failure(works, undefined), /^HostFailure: .*there is no \/dev\/kvm/)
        assert.match(yield* failure("echo qemu: no MSR >&2; exit 1", open), /^HostFailure: .*failed: .*no MSR/)
      }))
  })
})
