/**
 * The soak is ended by a Ctrl-C while guests run for it.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schedule } from "effect"
import * as Inventory from "../../host/Inventory.ts"
import { soak } from "../../soak/program.ts"

describe("the soak", () => {
  it.live("that is interrupted in the middle tells what it has found, and leaves nothing", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped({ prefix: "soak-" })
      yield* fs.chmod(directory, 0o711)
      const before = yield* Inventory.take(directory)
      const { ended, pid } = yield* soak(["--only", "crashes", "--match", "stop:"], directory)
      // Two bystanders, and the instance that it is about.
      yield* Effect.map(
        Inventory.take(directory),
        ({ processes }) => processes.filter((words) => words.includes(" -uuid ")).length
      ).pipe(
        Effect.repeat({ until: (guests) => guests >= 3, schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("60 seconds")
      )
      process.kill(pid, "SIGINT")
      const { code, stdout } = yield* ended
      assert.match(stdout, /^round 1, seed \d+\n/)
      assert.match(stdout, /\nsoak: interrupted after 0:\d\d:\d\d\n/)
      assert.match(stdout, /\n {2}violations 0\n$/)
      assert.strictEqual(code, 130)
      assert.deepStrictEqual(yield* Inventory.take(directory), before)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
