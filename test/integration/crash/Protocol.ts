/**
 * What a test says to a launcher in a process of its own, and what that one answers: one line of JSON each. Calls are
 * numbered, and answered in any order.
 */
import { Schema } from "effect"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { InstanceState } from "../../../src/domain/InstanceState.ts"
import { VolumeId, VolumeSpec } from "../../../src/domain/Volume.ts"
import { Code } from "../../../src/launcher/LauncherError.ts"

const id = InstanceId

export const Command = Schema.TaggedUnion({
  Start: { spec: InstanceSpec },
  Stop: { id },
  Delete: { id },
  Pause: { id },
  Resume: { id },
  Attach: { id, volume: VolumeId },
  Detach: { id, volume: VolumeId },
  List: {}
})

export type Command = typeof Command.Type

/** An instance, as a launcher shows it. */
export const Instance = Schema.Struct({
  id,
  state: InstanceState,
  volumes: Schema.Array(VolumeSpec),
  starts: Schema.Int
})

export type Instance = typeof Instance.Type

export const Answer = Schema.TaggedUnion({
  Done: {},
  Failed: { code: Code, message: Schema.String },
  Instances: {
    incarnation: Schema.Int,
    instances: Schema.Array(Instance)
  }
})

export type Answer = typeof Answer.Type

/** Where a call is answered: on standard output, or aside, so that what is watched is not mixed with what goes on beside it. */
export const Channel = Schema.Literals(["main", "aside"])

export type Channel = typeof Channel.Type

export const RequestLine = Schema.fromJsonString(
  Schema.toCodecJson(Schema.Struct({ call: Schema.Int, channel: Channel, command: Command }))
)

/** Call 0 is answered once the launcher is there. */
export const ReplyLine = Schema.fromJsonString(
  Schema.toCodecJson(Schema.Struct({ call: Schema.Int, answer: Answer }))
)
