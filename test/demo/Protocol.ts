/**
 * What the demo says to the process that runs its launcher, and what that one answers: one line of JSON each, in turn.
 */
import { Schema } from "effect"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { tags } from "../../src/domain/InstanceState.ts"
import { InstanceStats } from "../../src/domain/Resources.ts"
import { VolumeId } from "../../src/domain/Volume.ts"

const id = InstanceId

export const Request = Schema.TaggedUnion({
  /** What runs here: answered by `Node`. */
  Look: {},
  /** Answered by `Done`, as are all others that do not say. */
  Start: { payload: Schema.String },
  /** Waits for a line of the console that holds this text: answered by `Line`. */
  Await: { id, text: Schema.String },
  /** Answered by `Stats`. */
  Measure: { id },
  Attach: { id, volume: VolumeId },
  Detach: { id, volume: VolumeId },
  Stop: { id },
  Delete: { id },
  /** The launcher closes, and guests run on. Without having been told to, its process ends them when nobody speaks to it. */
  Leave: {}
})

export type Request = typeof Request.Type

export const Reply = Schema.TaggedUnion({
  Done: {},
  Failed: { message: Schema.String },
  Line: { line: Schema.String },
  Stats: { stats: InstanceStats },
  Node: {
    incarnation: Schema.Int,
    instances: Schema.Array(Schema.Struct({ id, state: Schema.Literals(tags) })),
    guests: Schema.Array(Schema.Struct({ id, handle: Schema.String }))
  }
})

export type Reply = typeof Reply.Type

export const RequestLine = Schema.fromJsonString(Schema.toCodecJson(Request))

export const ReplyLine = Schema.fromJsonString(Schema.toCodecJson(Reply))
