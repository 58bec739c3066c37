/**
 * Instances over the API in memory, by the typed client.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { VolumeId } from "../../src/domain/Volume.ts"
import { Launcher } from "../../src/launcher/Launcher.ts"
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

  it.effect("one that is not to be started is there, stopped, and can be started", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      const query = { start: false }
      const payload = TestApi.spec("a1", { name: "later" })
      for (const _ of ["once", "again"]) {
        const created = yield* api.instances.create({ payload, query, headers: {} })
        assert.deepStrictEqual("spec" in created && [created.state._tag, created.starts], ["Stopped", 0])
      }
      const started = yield* api.instances.start({ params: { id: "later" }, query: {}, headers: {} })
      assert.deepStrictEqual("spec" in started && [started.state._tag, started.starts], ["Running", 1])
    }).pipe(Effect.provide(TestApi.layer)))

  it.effect("a volume is attached and detached, and what another has is refused with its code", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      for (const id of ["a1", "b2"]) {
        yield* api.instances.create({ payload: TestApi.spec(id), query: {}, headers: {} })
      }
      const volume = { id: VolumeId.make("d1") }
      yield* api.instances.attach({ params: { id: "a1" }, payload: volume, headers: {} })
      const problem = yield* Effect.flip(api.instances.attach({ params: { id: "b2" }, payload: volume, headers: {} }))
      assert.deepStrictEqual(problem._tag === "Problem" && [problem.status, problem.code], [409, "already_attached"])
      const detached = yield* api.instances.detach({ params: { id: "a1", volume: volume.id }, headers: {} })
      assert.deepStrictEqual("volumes" in detached && detached.volumes, [])
    }).pipe(Effect.provide(TestApi.layer)))

  it.effect("an instance that is to be removed is, when it has ended, and not before", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      const launcher = yield* Launcher
      yield* api.instances.create({ payload: TestApi.spec("a1"), query: { autoRemove: true }, headers: {} })
      yield* api.instances.create({ payload: TestApi.spec("b2"), query: {}, headers: {} })
      yield* api.instances.pause({ params: { id: "a1" }, headers: {} })
      assert.strictEqual((yield* launcher.list).length, 2)
      yield* api.instances.stop({ params: { id: "a1" }, headers: {} })
      yield* api.instances.stop({ params: { id: "b2" }, headers: {} })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* launcher.list).map(({ spec }) => spec.id as string), ["b2"])
    }).pipe(Effect.provide(TestApi.layer)))

  it.effect("an evacuation tells how far it is, and puts the node into maintenance, until it is restored", () =>
    Effect.gen(function*() {
      const api = yield* TestApi.client
      for (const id of ["a1", "b2"]) {
        yield* api.instances.create({ payload: TestApi.spec(id), query: {}, headers: {} })
      }
      const told = yield* api.node.evacuate({ headers: {} })
      assert.isTrue(Stream.isStream(told))
      const removals = Stream.isStream(told) ? yield* Stream.runCollect(told) : []
      assert.deepStrictEqual(removals.map(({ _tag }) => _tag), ["Removed", "Removed", "Done"])
      const refused = yield* Effect.flip(
        api.instances.create({ payload: TestApi.spec("c3"), query: {}, headers: {} })
      )
      assert.strictEqual(refused._tag === "Problem" && refused.code, "node_maintenance")
      yield* api.node.restore()
      yield* api.instances.create({ payload: TestApi.spec("c3"), query: {}, headers: {} })
      assert.strictEqual((yield* api.node.status()).status.condition._tag, "Ready")
    }).pipe(Effect.provide(TestApi.layer)))
})
