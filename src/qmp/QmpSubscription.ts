/**
 * The events of one connection, and those who listen to them.
 */
import { Cause, Effect, Queue, type Scope, Stream } from "effect"
import type { Disconnect } from "./Disconnect.ts"
import { Disconnected, EventsLost, fail, type QmpError } from "./QmpError.ts"
import type { QmpEvent } from "./QmpEvent.ts"

/** A subscription to events. It has one reader at a time. */
export interface QmpSubscription {
  /**
   * The events, in QEMU's order. Ends when the connection does, whose cause the client knows. Fails with `EventsLost`
   * when the reader falls behind by more than the client's `maxWaitingEvents`, after what waited.
   */
  readonly events: Stream.Stream<QmpEvent, QmpError>

  /**
   * Takes events up to the first that passes, and answers it. May be interrupted. Fails with `EventsLost`, and with
   * `Disconnected` when the connection ends first. Has no deadline of its own.
   */
  readonly first: {
    <A extends QmpEvent>(refinement: (event: QmpEvent) => event is A): Effect.Effect<A, QmpError>
    (predicate: (event: QmpEvent) => boolean): Effect.Effect<QmpEvent, QmpError>
  }
}

/** Hands events to subscribers. */
export interface QmpSubscriptions {
  /** Subscribes from now on. The first subscription also gets what was published before it. */
  readonly subscribe: Effect.Effect<QmpSubscription, never, Scope.Scope>
  /** Hands an event to every subscription, at once. */
  readonly publish: (event: QmpEvent) => void
  /** Ends every subscription, now and to come, once it has read what waits. */
  readonly end: () => void
}

type Waiting = Queue.Queue<QmpEvent, QmpError | Cause.Done>

/** `limit` is how many events may wait for one subscription. `disconnected` is asked for only after {@link QmpSubscriptions.end}. */
export const make = Effect.fnUntraced(function*(
  limit: number,
  disconnected: Effect.Effect<Disconnect>
): Effect.fn.Return<QmpSubscriptions> {
  const open: Effect.Effect<Waiting> = Queue.dropping(limit)
  const subscribers = new Set<Waiting>()
  let ended = false
  let unclaimed: Waiting | undefined = yield* open
  subscribers.add(unclaimed)

  const subscription = (waiting: Waiting): QmpSubscription => {
    const take = Queue.take(waiting)
    const takeOrFail = Effect.catchTag(
      take,
      "Done",
      () => Effect.flatMap(disconnected, (cause) => Effect.fail(fail(new Disconnected({ cause }))))
    )
    function first<A extends QmpEvent>(refinement: (event: QmpEvent) => event is A): Effect.Effect<A, QmpError>
    function first(predicate: (event: QmpEvent) => boolean): Effect.Effect<QmpEvent, QmpError>
    function first(predicate: (event: QmpEvent) => boolean): Effect.Effect<QmpEvent, QmpError> {
      return Effect.repeat(takeOrFail, { until: predicate })
    }
    // One at a time: what a reader does not take is left for the next.
    return { events: Stream.fromPull(Effect.succeed(Effect.map(take, (event) => [event]))), first }
  }

  const acquire = Effect.gen(function*() {
    const waiting = unclaimed ?? (yield* open)
    unclaimed = undefined
    if (ended) Queue.endUnsafe(waiting)
    else subscribers.add(waiting)
    return waiting
  })

  return {
    subscribe: Effect.map(
      Effect.acquireRelease(acquire, (waiting) => Effect.sync(() => subscribers.delete(waiting))),
      subscription
    ),
    publish: (event) => {
      for (const waiting of subscribers) {
        if (Queue.offerUnsafe(waiting, event)) continue
        Queue.failCauseUnsafe(waiting, Cause.fail(fail(new EventsLost({ limit }))))
        subscribers.delete(waiting)
      }
    },
    end: () => {
      ended = true
      for (const waiting of subscribers) Queue.endUnsafe(waiting)
      subscribers.clear()
    }
  }
})
