/**
 * What happens on a node, numbered, for those who follow it.
 */
import { Effect, PubSub, Stream } from "effect"
import type { Change, InstanceEvent } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"

/** What a follower gets: `Snapshot` first, then events without gaps; after `Lagged`, a snapshot again. */
export type Entry<Instances> =
  | {
    readonly _tag: "Snapshot"
    readonly incarnation: number
    readonly sequence: number
    readonly instances: Instances
  }
  | { readonly _tag: "Event"; readonly event: InstanceEvent }
  | { readonly _tag: "Lagged"; readonly missed: number }

export class EventLog<Instances> {
  private sequence = 0
  private readonly incarnation: number
  private readonly events: PubSub.PubSub<InstanceEvent>
  private readonly instances: () => Instances

  constructor(options: {
    readonly incarnation: number
    /** Bounded: when a follower is slow it keeps the newest. */
    readonly events: PubSub.PubSub<InstanceEvent>
    /** All instances at this moment. */
    readonly instances: () => Instances
  }) {
    this.incarnation = options.incarnation
    this.events = options.events
    this.instances = options.instances
  }

  /** Numbers a change and tells it. */
  publish(id: InstanceId, change: Change, atMillis: number): void {
    const { events, incarnation } = this
    const event = { incarnation, sequence: ++this.sequence, atMillis, id, change }
    if (PubSub.publishUnsafe(events, event)) return
    // Published at once, it does not make room for itself.
    events.pubsub.slide()
    PubSub.publishUnsafe(events, event)
  }

  private snapshot(): Entry<Instances> {
    const { incarnation, sequence } = this
    return { _tag: "Snapshot", incarnation, sequence, instances: this.instances() }
  }

  /** A snapshot, and all that follows. */
  get changes(): Stream.Stream<Entry<Instances>> {
    return Stream.unwrap(Effect.map(PubSub.subscribe(this.events), (subscription) => {
      const first = this.snapshot()
      let last = this.sequence
      const entries = (event: InstanceEvent): ReadonlyArray<Entry<Instances>> => {
        const missed = event.sequence - last - 1
        // What a snapshot holds already has been told.
        if (missed < 0) return []
        if (missed === 0) {
          last = event.sequence
          return [{ _tag: "Event", event }]
        }
        last = this.sequence
        return [{ _tag: "Lagged", missed }, this.snapshot()]
      }
      return Stream.concat(
        Stream.succeed(first),
        Stream.flattenIterable(Stream.map(Stream.fromSubscription(subscription), entries))
      )
    }))
  }
}
