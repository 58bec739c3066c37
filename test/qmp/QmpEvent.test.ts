import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { Closed } from "../../src/qmp/Disconnect.ts"
import { Disconnected, EventsLost, fail } from "../../src/qmp/QmpError.ts"
import * as ScriptedPeer from "./ScriptedPeer.ts"

const { event } = ScriptedPeer
const timestampMillis = 1000.5
const now = { startImmediately: true } as const

describe("QmpEvent", () => {
  it.effect("is typed where it is known, and open where it is not", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      peer.say(
        event("SHUTDOWN", { guest: true, reason: "guest-shutdown" }),
        event("RESET", { guest: false, reason: "host-qmp-system-reset" }),
        event("POWERDOWN"),
        ScriptedPeer.line({ event: "STOP", timestamp: { seconds: 1, microseconds: 500 } }),
        event("RESUME"),
        event("DEVICE_DELETED", { device: "v1", path: "/machine/peripheral/v1" }),
        event("DEVICE_DELETED", { path: "/machine/peripheral/v1/virtio-backend" }),
        event("DEVICE_UNPLUG_GUEST_ERROR", { device: "v1", path: "/machine/peripheral/v1" }),
        event("GUEST_PANICKED", { action: "pause", info: { type: "hyper-v" } }),
        event("BLOCK_IO_ERROR", { device: "", operation: "write", action: "stop", nospace: true, reason: "full" }),
        event("NIC_RX_FILTER_CHANGED", { path: "/machine" }),
        event("SHUTDOWN", { guest: "perhaps" }),
        event("toString")
      )
      peer.end()
      assert.deepStrictEqual(yield* Stream.runCollect(client.events), [
        { _tag: "Shutdown", guest: true, reason: "guest-shutdown", timestampMillis },
        { _tag: "Reset", guest: false, reason: "host-qmp-system-reset", timestampMillis },
        { _tag: "Powerdown", timestampMillis },
        { _tag: "Stop", timestampMillis },
        { _tag: "Resume", timestampMillis },
        { _tag: "DeviceDeleted", device: "v1", path: "/machine/peripheral/v1", timestampMillis },
        { _tag: "DeviceDeleted", path: "/machine/peripheral/v1/virtio-backend", timestampMillis },
        { _tag: "DeviceUnplugGuestError", device: "v1", path: "/machine/peripheral/v1", timestampMillis },
        { _tag: "GuestPanicked", action: "pause", timestampMillis },
        {
          _tag: "BlockIoError",
          device: "",
          operation: "write",
          action: "stop",
          nospace: true,
          reason: "full",
          timestampMillis
        },
        { _tag: "Other", event: "NIC_RX_FILTER_CHANGED", data: { path: "/machine" }, timestampMillis },
        { _tag: "Other", event: "SHUTDOWN", data: { guest: "perhaps" }, timestampMillis },
        { _tag: "Other", event: "toString", data: {}, timestampMillis }
      ])
    }))
})

describe("QmpClient.subscribe", () => {
  it.effect("the first gets what came before it, later ones what comes after them", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      peer.say(event("STOP"))
      const first = yield* client.subscribe
      const second = yield* client.subscribe
      peer.say(event("RESUME"))
      peer.end()
      const tags = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map(({ _tag }) => _tag)
      assert.deepStrictEqual(tags(yield* Stream.runCollect(first.events)), ["Stop", "Resume"])
      assert.deepStrictEqual(tags(yield* Stream.runCollect(second.events)), ["Resume"])
    }))

  it.effect("waits for the event that is meant, and leaves the rest", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const subscription = yield* client.subscribe
      const deleted = yield* Effect.forkChild(
        subscription.first((event) => event._tag === "DeviceDeleted" && event.device === "v2"),
        now
      )
      peer.say(event("DEVICE_DELETED", { device: "v1", path: "/1" }))
      assert.isUndefined(deleted.pollUnsafe())
      peer.say(event("DEVICE_DELETED", { device: "v2", path: "/2" }), event("STOP"), event("RESUME"))
      assert.strictEqual((yield* Fiber.join(deleted))._tag, "DeviceDeleted")
      const [stop] = yield* Stream.runCollect(Stream.take(subscription.events, 1))
      assert.strictEqual(stop?._tag, "Stop")
      assert.strictEqual((yield* subscription.first(() => true))._tag, "Resume")
      peer.end()
      assert.deepStrictEqual(
        yield* Effect.flip(subscription.first(() => true)),
        fail(new Disconnected({ cause: new Closed() }))
      )
    }))

  it.effect("tells a reader that fell behind, after what it missed nothing of, and nobody else", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated({ maxWaitingEvents: 3 })
      const slow = yield* client.subscribe
      const quick = yield* client.subscribe
      for (let i = 0; i < 5; i++) {
        peer.say(event("STOP"))
        yield* quick.first(() => true)
      }
      for (let i = 0; i < 3; i++) yield* slow.first(() => true)
      assert.deepStrictEqual(yield* Effect.flip(slow.first(() => true)), fail(new EventsLost({ limit: 3 })))
      assert.deepStrictEqual(yield* Effect.flip(Stream.runDrain(slow.events)), fail(new EventsLost({ limit: 3 })))
      peer.say(event("RESUME"))
      assert.strictEqual((yield* quick.first(() => true))._tag, "Resume")
    }))

  it.effect("a closed subscription takes nothing from the others", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const scope = yield* Scope.make()
      yield* Scope.provide(client.subscribe, scope)
      yield* Scope.close(scope, Exit.void)
      const subscription = yield* client.subscribe
      peer.say(event("STOP"))
      assert.strictEqual((yield* subscription.first(() => true))._tag, "Stop")
    }))
})
