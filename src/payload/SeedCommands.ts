/**
 * The payloads of the seed system's other commands. Each decoder fails with `invalid_payload` (no YAML, more than 1 MiB,
 * not UTF-8) or `invalid_data`, and ignores unknown fields.
 */
import { Effect, Schema } from "effect"
import type { PayloadError } from "./PayloadError.ts"
import { decodeUnder, Flag, ForeignId, WireInstanceId, WireVolumeId } from "./Wire.ts"
import { fromInput, parse } from "./YamlText.ts"

const decoder = <S extends Schema.ConstraintDecoder<unknown>>(key: string, schema: S) => {
  const decode = decodeUnder(key, schema)
  return Effect.fn(`SeedCommands.${key}`)(
    function*(input: string | Uint8Array): Effect.fn.Return<S["Type"], PayloadError> {
      const documents = yield* fromInput(input).pipe(Effect.flatMap((text) => parse(text)))
      return yield* decode(documents[0])
    }
  )
}

/** The node that a command is for. */
const node = { workload_agent_uuid: Schema.optionalKey(ForeignId) }

/**
 * `delete`: removes the instance from this node. With `stop` it is reported as stopped instead of deleted, since it may
 * be started elsewhere.
 */
export const decodeDelete = decoder("delete", Schema.Struct({ instance_uuid: WireInstanceId, ...node, stop: Flag }))

/** `attach_volume`: attaches the volume to the instance. */
export const decodeAttachVolume = decoder(
  "attach_volume",
  Schema.Struct({ instance_uuid: WireInstanceId, volume_uuid: WireVolumeId, ...node })
)

/** `evacuate`: puts the node into maintenance and stops everything. */
export const decodeEvacuate = decoder("evacuate", Schema.Struct(node))

/** `restore`: puts the node back to service. */
export const decodeRestore = decoder("restore", Schema.Struct(node))
