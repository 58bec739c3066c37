import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as ProcFs from "../../../src/backend/qemu/ProcFs.ts"

layer(NodeServices.layer, { excludeTestServices: true })("ProcFs", (it) => {
  describe("info", () => {
    it.effect("is of the process whatever its name is, and of none that is not there", () =>
      Effect.gen(function*() {
        const own = ProcFs.info(process.pid)
        assert.isAbove(own?.threads ?? 0, 1)
        const { pid, stdout } = yield* ChildProcess.make(
          "perl",
          ["-e", "$0 = 'a) Z 1 (b'; $| = 1; print 'named'; sleep 600"],
          { killSignal: "SIGKILL" }
        )
        yield* Stream.runHead(stdout)
        const child = ProcFs.info(pid)
        assert.include(["R", "S", "D"], child?.state)
        assert.strictEqual(child?.threads, 1)
        assert.isAtLeast(child?.startTicks ?? 0, own?.startTicks ?? Infinity)
        assert.include(ProcFs.pids(), Number(pid))
        assert.isUndefined(ProcFs.info(4_194_305))
      }))

    it.effect("tells a process that has ended from one whose first thread has", () =>
      Effect.sync(() => {
        assert.isFalse(ProcFs.isDead({ state: "S", threads: 1, startTicks: 1 }))
        assert.isFalse(ProcFs.isDead({ state: "Z", threads: 3, startTicks: 1 }))
        assert.isTrue(ProcFs.isDead({ state: "Z", threads: 1, startTicks: 1 }))
      }))
  })
})
