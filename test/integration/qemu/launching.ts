/**
 * Launches a guest without an operating system, says `launching` right before and `launched` after, and stays.
 * Arguments: the state directory, and the id of the instance. Its image is `images/empty.raw`.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"

const program = Effect.gen(function*() {
  const [stateDirectory = "", id = ""] = process.argv.slice(2)
  const spec = yield* Schema.decodeUnknownEffect(InstanceSpec)({
    id,
    memory: "32 MiB",
    boot: { kind: "image", path: `${stateDirectory}/images/empty.raw`, format: "raw" }
  })
  const config = QemuConfig.make({ stateDirectory, accelerator: "tcg", runtimeDirectory: `${stateDirectory}/r` })
  const virtualizer = yield* QemuVirtualizer.make(config)
  const guest = yield* virtualizer.make(spec, `${stateDirectory}/instances/${id}`)
  const boot = { volumes: [], networks: [] }
  yield* guest.createImage(boot)
  yield* Console.log("launching")
  yield* guest.start(boot)
  yield* Console.log("launched")
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.provide(Effect.scoped(program), NodeServices.layer))
