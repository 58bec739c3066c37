/**
 * What happens on a node, numbered, for those who follow it. The newest events are held, so that a follower who was away goes on
 * where it was.
 */
import { Cause, Effect, Stream } from "effect"
import type { Change, InstanceEvent, Position } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import { Signal } from "./Signal.ts"

/** What a follower gets: `Snapshot` first, then events without gaps; after `Lagged`, a snapshot again. */
export type Entry<Instances> =
  | {
    readonly _tag: "Snapshot"
    readonly incarnation: number
    readonly sequence: number
    readonly instances: Instances
  }
  | { readonly _tag: "Event"; readonly event: InstanceEvent }
  /** It missed so many events, which are held no more. Not known where they were another launcher's. */
  | { readonly _tag: "Lagged"; readonly missed: number | undefined }

/** Who follows, and what it was told last: nothing yet, where `told` is absent. */
interface Follower {
  readonly signal: Signal
  told: number | undefined
  /** Where it says that it was. */
  readonly after: Position | undefined
}

export class EventLog<Instances> {
  private sequence = 0
  /** The newest events, each at its number modulo how many are held. */
  private readonly held: Array<InstanceEvent> = []
  private readonly followers = new Set<Follower>()
  private isClosed = false
  private readonly options: EventLogOptions<Instances>

  constructor(options: EventLogOptions<Instances>) {
    this.options = options
  }

  /** Numbers a change and tells it. */
  publish(id: InstanceId, change: Change, atMillis: number): void {
    const { eventsHeld, incarnation } = this.options
    const event = { incarnation, sequence: ++this.sequence, atMillis, id, change }
    this.held[this.sequence % eventsHeld] = event
    for (const { signal } of this.followers) signal.raise()
  }

  /** Nothing more is told. Followers read what is held, and end. */
  close(): void {
    this.isClosed = true
    for (const { signal } of this.followers) signal.raise()
  }

  /**
   * All that follows `after`, where that is held still; otherwise a snapshot, and all that follows. Ends when the log is
   * closed.
   */
  changes(after?: Position): Stream.Stream<Entry<Instances>> {
    const follow = Effect.acquireRelease(
      Effect.sync(() => {
        const follower: Follower = { signal: new Signal(), told: undefined, after }
        this.followers.add(follower)
        return follower
      }),
      (follower) => Effect.sync(() => this.followers.delete(follower))
    )
    return Stream.unwrap(Effect.map(follow, (follower) => {
      const pull: Effect.Effect<readonly [Entry<Instances>, ...Array<Entry<Instances>>], Cause.Done> = Effect.suspend(
        () => {
          const [first, ...others] = this.read(follower)
          if (first !== undefined) return Effect.succeed([first, ...others] as const)
          return this.isClosed ? Cause.done() : Effect.andThen(follower.signal.take, pull)
        }
      )
      return Stream.fromPull(Effect.succeed(pull))
    }))
  }

  private read(follower: Follower): ReadonlyArray<Entry<Instances>> {
    const { sequence } = this
    const { incarnation, onMissed } = this.options
    if (follower.told === undefined) {
      const { after } = follower
      if (after === undefined) return [this.snapshot(follower)]
      // It was told by another launcher, or by nobody.
      if (after.incarnation !== incarnation || after.sequence > sequence) {
        return [{ _tag: "Lagged", missed: undefined }, this.snapshot(follower)]
      }
      follower.told = after.sequence
    }
    const missed = sequence - follower.told
    if (missed > this.options.eventsHeld) {
      onMissed(missed)
      return [{ _tag: "Lagged", missed }, this.snapshot(follower)]
    }
    const entries: Array<Entry<Instances>> = []
    while (follower.told < sequence) {
      const event = this.held[++follower.told % this.options.eventsHeld]
      if (event !== undefined) entries.push({ _tag: "Event", event })
    }
    return entries
  }

  private snapshot(follower: Follower): Entry<Instances> {
    const { sequence } = this
    follower.told = sequence
    return { _tag: "Snapshot", incarnation: this.options.incarnation, sequence, instances: this.options.instances() }
  }
}

/** What a log works with. */
export interface EventLogOptions<Instances> {
  readonly incarnation: number
  /** How many events are held. */
  readonly eventsHeld: number
  /** All instances at this moment. */
  readonly instances: () => Instances
  /** Called when a follower fell behind, with how many events it missed. */
  readonly onMissed: (missed: number) => void
}
