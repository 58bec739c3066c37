import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Callers } from "../../src/launcher/Callers.ts"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import { Signal } from "../../src/launcher/Signal.ts"
import { fresh } from "../../src/launcher/Situation.ts"
import { id, reasonOf, spec } from "./TestNode.ts"

describe("a caller that was on the way when everybody was answered", () => {
  for (const end of ["gone", "never"] as const) {
    it.effect(`is told that nobody considers its command: ${end}`, () =>
      Effect.gen(function*() {
        const callers = new Callers(id("a1"), LauncherConfig.make({}), new Signal())
        callers.close(end, fresh(initial(spec("a1"))))
        assert.isFalse(yield* callers.answer(yield* callers.enqueue({ _tag: "Start" })))
      }))
  }

  it.effect("is told that the launcher is closed", () =>
    Effect.gen(function*() {
      const callers = new Callers(id("a1"), LauncherConfig.make({}), new Signal())
      callers.close("closed", fresh(initial(spec("a1"))))
      assert.strictEqual(yield* reasonOf(callers.answer(yield* callers.enqueue({ _tag: "Stop" }))), "LauncherClosed")
    }))
})
