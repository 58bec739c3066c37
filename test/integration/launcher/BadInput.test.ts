/**
 * What users get wrong, and what hosts do to them: each gets its code, a message that says what to do, and leaves nothing.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Path, Result } from "effect"
import { ChildProcess } from "effect/process"
import type { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import * as StartBorder from "../../../src/launcher/StartBorder.ts"
import * as NativeSpec from "../../../src/payload/NativeSpec.ts"

const exec = Effect.fnUntraced(function*(command: string, ...args: ReadonlyArray<string>) {
  const status = yield* Effect.scoped(
    Effect.flatMap(
      ChildProcess.make(command, args, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }),
      ({ exitCode }) => exitCode
    )
  )
  if (status !== 0) return yield* Effect.die(`${command} ${args.join(" ")}: status ${status}`)
})

/** A state directory on a file system of its own, which guests' user can pass through. */
const stateDirectory = (sizeMiB = 16) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "bad-input-" })
    yield* Effect.acquireRelease(
      exec("mount", "-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=0755`, "tmpfs", directory),
      () => Effect.orDie(exec("umount", "--lazy", directory))
    )
    yield* Effect.forEach(["images", "volumes"], (name) => fs.makeDirectory(`${directory}/${name}`))
    return directory
  })

const node = (state: string, config: Partial<QemuConfig> = {}) =>
  LauncherDirectory.layer(state).pipe(
    Layer.provide(QemuVirtualizer.layer({ accelerator: "tcg", ...config, stateDirectory: state }))
  )

/** Nothing is left but the launcher's own files, and what was there before. */
const assertNothingLeft = Effect.fnUntraced(function*(state: string) {
  const fs = yield* FileSystem.FileSystem
  assert.deepStrictEqual(yield* (yield* Launcher).list, [])
  assert.deepStrictEqual(yield* fs.readDirectory(`${state}/records`), [])
  assert.deepStrictEqual(yield* fs.readDirectory(`${state}/instances`), [])
  assert.deepStrictEqual(yield* QemuDiscovery.scan(state), [])
})

interface Expectation {
  readonly code: string
  /** What to do. */
  readonly says: RegExp
}

interface Case extends Expectation {
  readonly name: string
  readonly payload: (state: string) => string
}

const start = (fields: string) => `start:\n  instance_uuid: 67e8\n  fw_type: legacy\n${fields}`
const bootFrom = (volume: string) => start(`  storage:\n  - id: ${volume}\n    boot: true\n`)

/** Through the border of the seed system. */
const payloads: ReadonlyArray<Case> = [
  { name: "no YAML", payload: () => "start: [", code: "invalid_payload", says: /line 1/ },
  {
    name: "a huge document",
    payload: () => `${bootFrom("a")}#${"x".repeat(2e6)}`,
    code: "invalid_payload",
    says: /1 MiB|1048576/
  },
  {
    name: "a wrong type",
    payload: () => start("  requirements: { vcpus: many }\n"),
    code: "invalid_data",
    says: /start\.requirements\.vcpus/
  },
  {
    name: "no id",
    payload: () => "start:\n  vm_type: qemu\n",
    code: "invalid_data",
    says: /instance_uuid: is required/
  },
  {
    name: "an id like a path",
    payload: () => "start:\n  instance_uuid: ../../etc\n",
    code: "invalid_data",
    says: /start\.instance_uuid/
  },
  {
    name: "a volume like a path",
    payload: () => bootFrom("../x"),
    code: "invalid_data",
    says: /start\.storage\[0\]\.id/
  },
  { name: "nothing to boot from", payload: () => start(""), code: "invalid_data", says: /add boot: true/ },
  {
    name: "a volume that is not there",
    payload: () => bootFrom("nowhere"),
    code: "image_failure",
    says: /put the volume there/
  },
  {
    name: "a volume with two sources",
    payload: () => bootFrom("twice"),
    code: "image_failure",
    says: /remove the one/
  },
  {
    name: "a volume that leads out of the roots",
    payload: () => bootFrom("link"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a volume that is no image of its format",
    payload: () => bootFrom("garbage"),
    code: "image_failure",
    says: /qcow2/
  },
  {
    name: "a volume over a file elsewhere",
    payload: () => bootFrom("over-elsewhere"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a volume over one that is gone",
    payload: () => bootFrom("over-nothing"),
    code: "image_failure",
    says: /there is no such file/
  },
  {
    name: "a container without an engine",
    payload: () => start("  vm_type: docker\n  docker_image: debian\n"),
    code: "not_supported",
    says: /docker/
  }
]

const image = (path: string, format = "raw") =>
  `id: 67e8\nmemory: 32 MiB\nboot: { kind: image, path: ${JSON.stringify(path)}, format: ${format} }\n`

/** Through the native spec. */
const specs: ReadonlyArray<Case> = [
  {
    name: "a missing image",
    payload: (state) => image(`${state}/images/none.raw`),
    code: "image_failure",
    says: /put it there/
  },
  {
    name: "an image with commas and newlines that is not there",
    payload: (state) => image(`${state}/images/a,b\nc.raw`),
    code: "image_failure",
    says: /put it there/
  },
  {
    name: "an image outside the roots",
    payload: () => image("/etc/passwd"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a corrupt image",
    payload: (state) => image(`${state}/images/cut.qcow2`, "qcow2"),
    code: "image_failure",
    says: /qemu-img/
  },
  {
    name: "a kernel outside the roots",
    payload: () => "id: 67e8\nmemory: 32 MiB\nboot: { kind: kernel, kernel: /etc/passwd }\n",
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a restart policy",
    payload: (state) => `${image(`${state}/images/good.raw`)}restart: always\n`,
    code: "not_supported",
    says: /restart policy/
  }
]

const prepare = Effect.fnUntraced(function*(state: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const volume = (name: string) => join(state, "volumes", name)
  const images = (name: string) => join(state, "images", name)
  yield* fs.writeFileString(volume("twice.raw"), "")
  yield* fs.writeFileString(volume("twice.qcow2"), "")
  yield* fs.symlink("/etc/passwd", volume("link.raw"))
  yield* fs.writeFileString(volume("garbage.qcow2"), "not an image")
  yield* exec(
    "qemu-img",
    "create",
    "-q",
    "-u",
    "-f",
    "qcow2",
    "-b",
    "/etc/passwd",
    "-F",
    "raw",
    volume("over-elsewhere.qcow2"),
    "1M"
  )
  yield* exec(
    "qemu-img",
    "create",
    "-q",
    "-u",
    "-f",
    "qcow2",
    "-b",
    volume("gone.raw"),
    "-F",
    "raw",
    volume("over-nothing.qcow2"),
    "1M"
  )
  yield* fs.writeFile(images("good.raw"), new Uint8Array(65_536))
  yield* exec("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-S", "0", images("good.raw"), images("cut.qcow2"))
  yield* fs.truncate(images("cut.qcow2"), 300_000)
  // It would be there, if a comma could end a path.
  yield* fs.writeFileString(images("a"), "")
})

describe("bad input", () => {
  it.live("gets its code, says what to do, and leaves nothing", () =>
    Effect.gen(function*() {
      const state = yield* stateDirectory()
      yield* prepare(state)
      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        const failureOf = ({ payload }: Case, border: "start" | "native") =>
          border === "start"
            ? StartBorder.start(payload(state)).pipe(Effect.flip)
            : NativeSpec.decode(payload(state)).pipe(Effect.flatMap(launcher.start), Effect.flip)
        for (const [cases, border] of [[payloads, "start"], [specs, "native"]] as const) {
          for (const one of cases) {
            const failure = yield* failureOf(one, border)
            assert.strictEqual(failure.code, one.code, `${one.name}: ${failure.message}`)
            assert.match(failure.message, one.says, one.name)
            yield* assertNothingLeft(state)
          }
        }
      }).pipe(Effect.provide(node(state)))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("a START of what runs is already_running, and of another under its id instance_exists", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const state = yield* stateDirectory()
      yield* fs.writeFile(`${state}/volumes/a.raw`, new Uint8Array(65_536))
      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        const { spec, state: running } = yield* StartBorder.start(bootFrom("a"))
        assert.strictEqual(running._tag, "Running")
        const again = yield* Effect.flip(StartBorder.start(bootFrom("a")))
        assert.strictEqual(again.code, "already_running")
        assert.deepStrictEqual(again.id, Option.some(spec.id))
        const other = yield* Effect.flip(
          StartBorder.start(start("  restart: true\n  storage: [{ id: a, boot: true }, { id: b }]\n"))
        )
        assert.strictEqual(other.code, "instance_exists")
        assert.isTrue(other.restart)
        yield* launcher.delete(spec.id)
        yield* assertNothingLeft(state)
      }).pipe(Effect.provide(node(state)))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  const hosts: ReadonlyArray<{ readonly name: string; readonly says: RegExp; readonly emulator: string }> = [
    {
      name: "no QEMU on the PATH",
      says: /install it \(Debian package qemu-system-x86\)/,
      emulator: "qemu-system-nowhere"
    },
    { name: "a QEMU that exits at once", says: /exit code 1/, emulator: "false" }
  ]
  for (const { emulator, name, says } of hosts) {
    it.live(`${name} fails the launch, and leaves an instance that can be deleted`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const state = yield* stateDirectory()
        yield* fs.writeFile(`${state}/images/good.raw`, new Uint8Array(65_536))
        yield* Effect.gen(function*() {
          const launcher = yield* Launcher
          const spec = yield* NativeSpec.decode(image(`${state}/images/good.raw`))
          const failure = yield* Effect.flip(launcher.start(spec))
          assert.strictEqual(failure.code, "launch_failure")
          assert.match(failure.message, says)
          assert.strictEqual((yield* launcher.get(spec.id)).state._tag, "Failed")
          assert.deepStrictEqual(yield* QemuDiscovery.scan(state), [])
          yield* launcher.delete(spec.id)
          yield* assertNothingLeft(state)
        }).pipe(Effect.provide(node(state, { emulator })))
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
  }

  it.live("a full disk fails the command that needs it, and neither the launcher nor a guest that runs", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const state = yield* stateDirectory(4)
      yield* fs.writeFile(`${state}/images/good.raw`, new Uint8Array(65_536))
      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        const spec = yield* NativeSpec.decode(image(`${state}/images/good.raw`))
        yield* launcher.start(spec)
        yield* Effect.exit(exec("dd", "if=/dev/zero", `of=${state}/ballast`, "bs=64k"))

        const other = { ...spec, id: InstanceId.make("67e9") }
        const failure = yield* Effect.flip(launcher.start(other))
        assert.include(["state_failure", "image_failure"], failure.code)
        assert.match(failure.message, /space|ENOSPC/)
        const stop = yield* Effect.result(launcher.stop(spec.id))
        if (Result.isFailure(stop)) {
          assert.strictEqual(stop.failure.code, "state_failure")
          assert.strictEqual((yield* launcher.get(spec.id)).state._tag, "Running")
        }

        yield* fs.remove(`${state}/ballast`)
        yield* launcher.delete(spec.id)
        yield* assertNothingLeft(state)
      }).pipe(Effect.provide(node(state)))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("a state directory that becomes read-only fails the commands, and leaves the guest running", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const state = yield* stateDirectory()
      yield* fs.writeFile(`${state}/volumes/a.raw`, new Uint8Array(65_536))
      yield* fs.writeFile(`${state}/images/good.raw`, new Uint8Array(65_536))
      // What QEMU writes must lie elsewhere, or the kernel refuses to make the rest read-only.
      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        yield* exec("mount", "--bind", state, state)
        yield* exec("mount", "-o", "remount,bind,ro", state)
        const spec = yield* NativeSpec.decode(image(`${state}/images/good.raw`))
        const failure = yield* Effect.flip(launcher.start(spec))
        assert.strictEqual(failure.code, "state_failure")
        assert.match(failure.message, /read-only|EROFS/)
        yield* exec("umount", state)
        yield* assertNothingLeft(state)
        yield* launcher.start(spec)
        yield* launcher.delete(spec.id)
        yield* assertNothingLeft(state)
      }).pipe(Effect.provide(node(state)))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("a state directory that can not be written makes no launcher", () =>
    Effect.gen(function*() {
      const state = yield* stateDirectory()
      yield* exec("mount", "-o", "remount,ro", state)
      const failure = yield* Effect.flip(Effect.scoped(Layer.build(node(state))))
      assert.match(failure.message, /read-only|EROFS/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
