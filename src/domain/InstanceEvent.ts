/**
 * What happened to the instances of a node, in order.
 */
import { Schema, SchemaTransformation } from "effect"
import { InstanceId } from "./InstanceId.ts"
import { InstanceInfo } from "./InstanceInfo.ts"
import { InstanceState } from "./InstanceState.ts"
import { VolumeSpec } from "./Volume.ts"

/** What an event says. */
export const Change = Schema.Union([
  /** The instance is there, as this. */
  Schema.TaggedStruct("Added", { instance: InstanceInfo }),
  /** The instance's state is now this, in its so many-th start. */
  Schema.TaggedStruct("StateChanged", { state: InstanceState, starts: Schema.Int }),
  /** The volumes it has, or shall have at its next start, are now these. */
  Schema.TaggedStruct("VolumesChanged", { volumes: Schema.Array(VolumeSpec) }),
  /** The guest rebooted; the instance goes on. */
  Schema.TaggedStruct("Rebooted", {}),
  /** The instance is gone, and nothing of it is left. */
  Schema.TaggedStruct("Deleted", {})
])

export type Change = typeof Change.Type

/**
 * Where an event stands among all of a state directory: `incarnation` numbers its launchers, durably; `sequence` the events of
 * one launcher, from 1, without gaps.
 */
export const Position = Schema.Struct({ incarnation: Schema.Natural, sequence: Schema.Natural })

export type Position = typeof Position.Type

const positionPattern = /^\d{1,15}:\d{1,15}$/

/** A position written as `incarnation:sequence`, such as `7:1042`. */
export const PositionFromString = Schema.String.check(
  Schema.isPattern(positionPattern, { expected: "a position: incarnation:sequence, such as 7:1042" })
).pipe(
  Schema.decodeTo(
    Position,
    SchemaTransformation.transform({
      decode: (text: string) => {
        const [incarnation = 0, sequence = 0] = text.split(":").map(Number)
        return { incarnation, sequence }
      },
      encode: ({ incarnation, sequence }) => `${incarnation}:${sequence}`
    })
  )
)

/** One event. */
export const InstanceEvent = Schema.Struct({
  ...Position.fields,
  atMillis: Schema.Int,
  id: InstanceId,
  change: Change
})

export type InstanceEvent = typeof InstanceEvent.Type

/** Instances by their ids, as a follower of events knows them. */
export type View = ReadonlyMap<InstanceId, InstanceInfo>

/** What a follower knows who applies an event to what it knew. All events after a snapshot give the state at their end. */
export const apply = (view: View, { change, id }: InstanceEvent): View => {
  const known = view.get(id)
  const see = (instance: InstanceInfo): View => new Map(view).set(id, instance)
  switch (change._tag) {
    case "Added":
      return see(change.instance)
    case "StateChanged":
      return known === undefined ? view : see({ ...known, state: change.state, starts: change.starts })
    case "VolumesChanged":
      return known === undefined ? view : see({ ...known, volumes: change.volumes })
    case "Rebooted":
      return view
    case "Deleted": {
      const others = new Map(view)
      others.delete(id)
      return others
    }
  }
}
