/**
 * Commands that nobody waits for, by the typed client.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Launcher } from "../../src/launcher/Launcher.ts"
import * as TestApi from "./TestApi.ts"

const ask = Effect.fnUntraced(
  function*(id: string, headers: { readonly prefer?: string; readonly "idempotency-key"?: string }) {
    const api = yield* TestApi.client
    const answer = yield* api.instances.create({ payload: TestApi.spec(id), query: {}, headers })
    return "operation" in answer ? answer.operation : undefined
  }
)

const operation = Effect.fnUntraced(function*(id: string) {
  const api = yield* TestApi.client
  return yield* api.node.operation({ params: { operation: id } })
})

describe("operations over the API", () => {
  it.effect("one is told while it goes on and for an hour after its end, and then the instance tells", () =>
    Effect.gen(function*() {
      const id = yield* ask("a1", { prefer: "respond-async" })
      assert.isString(id)
      const ended = yield* Effect.repeat(operation(id ?? ""), { until: ({ state }) => state !== "running" })
      assert.deepStrictEqual([ended.state, ended.command, ended.instance], ["done", "create", "a1"])
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* operation(id ?? "")).state, "done")
      yield* TestClock.adjust("2 minutes")
      const gone = yield* Effect.flip(operation(id ?? ""))
      assert.strictEqual(gone._tag === "Problem" && gone.code, "not_found")
      assert.strictEqual((yield* (yield* Launcher).list).length, 1)
    }).pipe(Effect.provide(TestApi.layer)))

  it.effect("one that fails says why", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      const stopped = yield* api.instances.stop({
        params: { id: "a1" },
        headers: { prefer: "respond-async" }
      }).pipe(Effect.flip)
      // What is not there is told at once.
      assert.strictEqual(stopped._tag === "Problem" && stopped.code, "no_instance")
      yield* ask("a1", {})
      yield* api.instances.stop({ params: { id: "a1" }, headers: {} })
      const paused = yield* api.instances.pause({ params: { id: "a1" }, headers: { prefer: "respond-async" } })
      const id = "operation" in paused ? paused.operation : ""
      const ended = yield* Effect.repeat(operation(id), { until: ({ state }) => state !== "running" })
      assert.deepStrictEqual([ended.state, ended.problem?.code], ["failed", "instance_failure"])
    }).pipe(Effect.provide(TestApi.layer)))

  it.effect("a key is another request's no more after an hour", () =>
    Effect.gen(function*() {
      const headers = { prefer: "respond-async", "idempotency-key": "k" }
      const first = yield* ask("a1", headers)
      assert.strictEqual(yield* ask("a1", headers), first)
      const other = yield* Effect.flip(ask("b2", headers))
      assert.strictEqual(other._tag === "Problem" && other.code, "idempotency_mismatch")
      yield* TestClock.adjust("62 minutes")
      assert.notStrictEqual(yield* ask("b2", headers), first)
    }).pipe(Effect.provide(TestApi.layer)))
})
