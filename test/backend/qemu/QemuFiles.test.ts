import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, FileSystem } from "effect"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"
import * as QemuFiles from "../../../src/backend/qemu/QemuFiles.ts"
import * as Gates from "../../host/Gates.ts"

layer(NodeServices.layer, { excludeTestServices: true })("QemuFiles", (it) => {
  it.effect("what is outside the instance's directory is removed first: while any of it is there, so is the guest's own", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const state = yield* fs.makeTempDirectoryScoped()
      const directory = QemuDirectory.make({ runtimeDirectory: `${state}/r` }, `${state}/${"long".repeat(30)}`)
      yield* fs.makeDirectory(directory.run, { recursive: true })
      yield* fs.makeDirectory(directory.sockets, { recursive: true })
      assert.isFalse(directory.sockets.startsWith(directory.path))
      const gates = yield* Gates.make
      const gate = gates.file("before", "remove", /\/guest$/)
      const removing = yield* Effect.forkChild(Gates.provide(gates)(QemuFiles.remove(directory)))
      yield* gate.reached
      assert.isTrue(yield* fs.exists(directory.path))
      assert.isFalse(yield* fs.exists(directory.sockets))
      // It goes through, and is over when its interruption is.
      removing.interruptUnsafe()
      yield* gate.open
      yield* Fiber.await(removing)
      assert.isFalse(yield* fs.exists(directory.path))
    }))
})
