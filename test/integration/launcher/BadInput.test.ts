/**
 * What users get wrong, and what hosts do to them: each gets its code, a message that says what to do, and leaves nothing.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Result } from "effect"
import type { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import * as StartBorder from "../../../src/launcher/StartBorder.ts"
import * as NativeSpec from "../../../src/payload/NativeSpec.ts"
import { exec } from "../../host/exec.ts"
import { killGuests } from "../../host/killGuests.ts"
import { tmpfs } from "../../host/tmpfs.ts"
import { type BadInput, bootFrom, image, payloads, prepare, specs, start } from "./badInputs.ts"

/** A state directory on a file system of its own, which guests' user can pass through. */
const stateDirectory = (sizeMiB = 16) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "bad-input-" })
    yield* tmpfs(directory, `size=${sizeMiB}m,mode=0755`)
    yield* killGuests(directory)
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

describe("bad input", () => {
  it.live("gets its code, says what to do, and leaves nothing", () =>
    Effect.gen(function*() {
      const state = yield* stateDirectory()
      yield* prepare(state)
      yield* Effect.gen(function*() {
        const launcher = yield* Launcher
        const failureOf = ({ payload }: BadInput, border: "start" | "native") =>
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
        // Nothing listens to its power button.
        const spec = yield* NativeSpec.decode(`${image(`${state}/images/good.raw`)}stopGrace: 100 millis\n`)
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
