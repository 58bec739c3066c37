/**
 * All that decodes payloads, for what must hold of each.
 */
import { assert } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as NativeSpec from "../../src/payload/NativeSpec.ts"
import { PayloadError } from "../../src/payload/PayloadError.ts"
import * as SeedCommands from "../../src/payload/SeedCommands.ts"
import * as StartPayload from "../../src/payload/StartPayload.ts"

const decoders: ReadonlyArray<(input: string | Uint8Array) => Effect.Effect<unknown, PayloadError>> = [
  NativeSpec.decode,
  StartPayload.decode,
  SeedCommands.decodeDelete
]

/** A text that each takes. */
export const valid = {
  native: "id: 67e8\nmemory: 128 MiB\nboot: {kind: volume, volume: a}\nvolumes:\n- {id: a}\nvcpus: 2\n",
  start: "#cloud-config\nruncmd:\n- - ls\nstart:\n  instance_uuid: 67e8\n  vm_type: docker\n  docker_image: a\n  " +
    "networking: {private_ip: 10.0.0.1}\n  storage:\n  - id: b\n---\n{\"hostname\": \"x\"}\n",
  delete: "delete:\n  instance_uuid: 67e8\n  stop: true\n"
}

/** Every decoder answers with a value or a `PayloadError`, never with a defect. */
export const answers = Effect.fnUntraced(function*(input: string | Uint8Array) {
  for (const decode of decoders) {
    const exit = yield* Effect.exit(decode(input))
    if (Exit.isFailure(exit)) {
      const [reason, ...others] = exit.cause.reasons
      assert.isEmpty(others)
      assert.isTrue(reason?._tag === "Fail" && reason.error instanceof PayloadError, String(exit.cause))
      assert.isBelow(reason?._tag === "Fail" ? reason.error.message.length : 0, 10_000)
    }
  }
})
