/**
 * Instances over the API in memory, by the typed client.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TestApi from "./TestApi.ts"

describe("instances over the API", () => {
  it.effect("an instance is created, found by its name, stopped, started and deleted", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      const created = yield* api.instances.create({
        payload: TestApi.spec("a1", { name: "web" }),
        query: {},
        headers: {}
      })
      assert.strictEqual("state" in created && typeof created.state === "object" && created.state._tag, "Running")
      const found = yield* api.instances.get({ params: { id: "web" } })
      assert.strictEqual(found.spec.id, "a1")
      const stopped = yield* api.instances.stop({ params: { id: "web" }, headers: {} })
      assert.strictEqual(typeof stopped.state === "object" && stopped.state._tag, "Stopped")
      yield* api.instances.start({ params: { id: "a1" }, query: {}, headers: {} })
      yield* api.instances.delete({ params: { id: "a1" }, headers: {} })
      const missing = yield* Effect.flip(api.instances.get({ params: { id: "a1" } }))
      assert.strictEqual(missing._tag === "Problem" && missing.code, "no_instance")
    }).pipe(Effect.provide(TestApi.layer)))
})
