import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SeedCommands from "../../src/payload/SeedCommands.ts"

const node = "  workload_agent_uuid: 4CB19522-1e18-439a-883a-f9b2a3a95f5e\n"
const instance = "  instance_uuid: 3390740C-dce9-48d6-b83a-a717417072ce\n"

describe("SeedCommands", () => {
  it.effect("reads delete", () =>
    Effect.gen(function*() {
      const command = yield* SeedCommands.decodeDelete(`delete:\n${instance}${node}  stop: true\n`)
      assert.strictEqual(command.instance_uuid, "3390740c-dce9-48d6-b83a-a717417072ce")
      assert.strictEqual(command.workload_agent_uuid, "4cb19522-1e18-439a-883a-f9b2a3a95f5e")
      assert.strictEqual(command.stop, true)
      assert.strictEqual((yield* SeedCommands.decodeDelete(`delete:\n${instance}`)).stop, false)
    }))

  it.effect("reads attach_volume", () =>
    Effect.gen(function*() {
      const command = yield* SeedCommands.decodeAttachVolume(
        `---\nattach_volume:\n${instance}  volume_uuid: 67E8\n${node}...\n`
      )
      assert.strictEqual(command.instance_uuid, "3390740c-dce9-48d6-b83a-a717417072ce")
      assert.strictEqual(command.volume_uuid, "67e8")
    }))

  it.effect("reads evacuate and restore, which may name their node", () =>
    Effect.gen(function*() {
      const named = { workload_agent_uuid: "4cb19522-1e18-439a-883a-f9b2a3a95f5e" }
      assert.deepStrictEqual(yield* SeedCommands.decodeEvacuate(`evacuate:\n${node}`), named)
      assert.deepStrictEqual(yield* SeedCommands.decodeRestore(`restore:\n${node}`), named)
      assert.deepStrictEqual(yield* SeedCommands.decodeEvacuate("evacuate:\n"), {})
    }))

  const wrong: ReadonlyArray<readonly [text: string, code: string, problem: string]> = [
    ["", "invalid_data", "attach_volume: is required"],
    ["  -", "invalid_data", "attach_volume: is required"],
    ["attach_volume: [", "invalid_payload", "is not valid YAML"],
    [`delete:\n${instance}`, "invalid_data", "attach_volume: is required"],
    [`attach_volume:\n${instance}`, "invalid_data", "attach_volume.volume_uuid: is required"],
    [
      `attach_volume:\n${instance}  volume_uuid: /dev/sda\n`,
      "invalid_data",
      "attach_volume.volume_uuid: must be a volume id"
    ],
    ["attach_volume:\n  volume_uuid: ab\n", "invalid_data", "attach_volume.instance_uuid: is required"],
    [
      "attach_volume:\n  volume_uuid: ab\n  instance_uuid: x/y\n",
      "invalid_data",
      "attach_volume.instance_uuid: must be"
    ]
  ]
  for (const [text, code, problem] of wrong) {
    it.effect(`refuses ${JSON.stringify(text)}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(SeedCommands.decodeAttachVolume(text))
        assert.strictEqual(error.code, code)
        assert.include(error.message, problem)
      }))
  }
})
