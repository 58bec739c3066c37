import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Result, type Schema } from "effect"
import { TestClock } from "effect/testing"
import * as QemuDevices from "../../../src/backend/qemu/QemuDevices.ts"
import * as QemuHotplug from "../../../src/backend/qemu/QemuHotplug.ts"
import { VolumeId } from "../../../src/domain/Volume.ts"
import * as ScriptedPeer from "../../qmp/ScriptedPeer.ts"

const volume = VolumeId.make("data")
const node = QemuDevices.volumeNode(volume)
const words = `Node ${node} is in use`

/** A QEMU that no longer lists the volume's device, and refuses to close the volume this many times. */
const freeing = Effect.fnUntraced(function*(refusals: number) {
  const [peer, client] = yield* ScriptedPeer.negotiated()
  let closings = 0
  const answer = (command: ScriptedPeer.Command): string => {
    const success = (value?: Schema.Json) => ScriptedPeer.success(command, value)
    switch (command.execute) {
      case "qom-list":
        return success([])
      case "query-named-block-nodes":
        return success([{ "node-name": node, file: "/v", ro: false, drv: "raw" }])
      case "blockdev-del":
        return closings++ < refusals ? ScriptedPeer.refusal(command, "GenericError", words) : success()
      // A sign of life.
      default:
        return success()
    }
  }
  yield* Effect.forkScoped(
    Effect.forever(Effect.map(peer.next, (command) => peer.say(answer(command)))),
    { startImmediately: true }
  )
  const detaching = yield* Effect.forkScoped(
    Effect.result(QemuHotplug.detach(client, volume, Duration.seconds(30))),
    { startImmediately: true }
  )
  // In steps: between them, what is said comes to be heard.
  yield* Effect.repeat(TestClock.adjust("20 millis"), { times: 500 })
  return { result: yield* Fiber.join(detaching), closings: () => closings }
})

describe("QemuHotplug.detach", () => {
  it.effect("waits until QEMU has freed a device that it no longer lists", () =>
    Effect.gen(function*() {
      const { closings, result } = yield* freeing(2)
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(closings(), 3)
    }))

  it.effect("fails with QEMU's words where something else has the volume in use", () =>
    Effect.gen(function*() {
      const { result } = yield* freeing(Infinity)
      assert.include(Result.isFailure(result) ? result.failure.message : "", words)
    }))
})
