import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as QemuStats from "../../../src/backend/qemu/QemuStats.ts"

layer(NodeServices.layer, { excludeTestServices: true })("QemuStats", (it) => {
  it.effect("tells what a QEMU process uses, and that it is gone", () =>
    Effect.gen(function*() {
      const pid = yield* Effect.scoped(Effect.gen(function*() {
        const qemu = yield* ChildProcess.make("qemu-system-x86_64", [
          ...["-accel", "tcg", "-machine", "q35", "-m", "16", "-display", "none", "-nodefaults"],
          ...["-no-user-config", "-S", "-qmp", "stdio"]
        ], { stdin: { stream: "pipe", endOnDone: false }, stdout: "ignore", stderr: "inherit", killSignal: "SIGKILL" })
        const stats = yield* QemuStats.ofProcess(qemu.pid).pipe(
          // It takes a moment to become QEMU and to allocate.
          Effect.repeat({ until: (stats) => (stats.memoryBytes ?? 0) > 10_000_000 && (stats.cpuMillis ?? 0) > 0 }),
          Effect.timeout("30 seconds")
        )
        assert.isBelow(stats.memoryBytes ?? Infinity, 500_000_000)
        assert.isAtLeast(stats.uptimeMillis ?? -1, 0)
        assert.isBelow(stats.uptimeMillis ?? Infinity, 60_000)
        return qemu.pid
      }))
      assert.strictEqual((yield* QemuStats.ofProcess(pid).pipe(Effect.flip)).reason._tag, "NotRunning")
    }))

  it.effect("tells the sizes of disks", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
      const path = yield* fs.makeTempDirectoryScoped({ prefix: "qemu-stats-" })
      yield* spawner.exitCode(ChildProcess.make("qemu-img", ["create", "-q", "-f", "qcow2", `${path}/a`, "1G"]))
      const qcow2 = yield* QemuStats.ofDisk(`${path}/a`, "qcow2")
      assert.strictEqual(qcow2.diskVirtualBytes, 1024 ** 3)
      assert.isBelow(qcow2.diskAllocatedBytes ?? Infinity, 1024 ** 2)
      yield* fs.writeFile(`${path}/b`, new Uint8Array(8192))
      yield* fs.truncate(`${path}/b`, 1024 ** 3)
      const raw = yield* QemuStats.ofDisk(`${path}/b`, "raw")
      assert.strictEqual(raw.diskVirtualBytes, 1024 ** 3)
      assert.isBelow(raw.diskAllocatedBytes ?? Infinity, 1024 ** 2)
      assert.notProperty(yield* QemuStats.ofDisk(`${path}/b`, "qcow2"), "diskVirtualBytes")
      assert.deepStrictEqual(yield* QemuStats.ofDisk(`${path}/missing`, "raw"), {})
    }))
})
