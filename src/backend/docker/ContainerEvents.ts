/**
 * What an engine tells of a node's containers: one stream of events for all who watch one.
 *
 * It is there while somebody listens. When it breaks it is resumed from the last event, once; who listens is told to look at its
 * container, since an engine that was restarted has forgotten what happened before. When it can not be resumed, everybody is told
 * that the engine is lost, and nothing of their containers.
 */
import { Effect, Exit, Queue, RcRef, Result, Scope, Stream } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type * as EngineClient from "../../docker/EngineClient.ts"
import type { EngineError } from "../../docker/EngineError.ts"
import { type EngineEvent, events } from "../../docker/EngineEvent.ts"
import * as System from "../../docker/System.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"
import type { DockerConfig } from "./DockerConfig.ts"

/** What a listener hears. */
export type Heard =
  | { readonly _tag: "Happened"; readonly action: string }
  /** The stream broke and was resumed: something may have been missed. */
  | { readonly _tag: "Resumed" }
  /** The engine is away. Nothing follows. */
  | { readonly _tag: "Lost"; readonly cause: string }

export interface ContainerEvents {
  /**
   * Listens to what happens to an instance's container from now on: when this returns, the engine has been asked to tell. Fails
   * as a call does.
   */
  readonly listen: (id: InstanceId) => Effect.Effect<Queue.Dequeue<Heard>, EngineError, Scope.Scope>
}

/** The events that say something of a guest. */
const actions = ["die", "destroy", "pause", "unpause"]

/** How many events are remembered, to tell those that come again when the stream is resumed. */
const rememberedMax = 128

/** Unix time with nanoseconds, which a number does not hold. */
const unixTime = (rfc3339: string): string => {
  const fraction = /\.(\d{1,9})/.exec(rfc3339)?.[1] ?? ""
  return `${Math.floor(Date.parse(rfc3339) / 1000)}.${fraction.padEnd(9, "0")}`
}

/** Where the stream is to be resumed. */
class Position {
  since: string
  #remembered: Array<string> = []

  constructor(since: string) {
    this.since = since
  }

  /** Whether an event is new. The next stream begins with those of its second. */
  advance({ Action, Actor, time, timeNano }: EngineEvent): boolean {
    const key = `${timeNano} ${Action} ${Actor.ID}`
    if (this.#remembered.includes(key)) return false
    this.#remembered = [...this.#remembered.slice(1 - rememberedMax), key]
    this.since = `${time}`
    return true
  }
}

/** The events of a state directory's containers. The scope ends them. */
export const make = Effect.fnUntraced(function*(
  engine: EngineClient.Shape,
  { heartbeat, stateDirectory }: DockerConfig
): Effect.fn.Return<ContainerEvents, never, Scope.Scope> {
  const listeners = new Map<InstanceId, Set<Queue.Queue<Heard>>>()
  const owned = [ContainerIdentity.ownership(stateDirectory)]

  const tellAll = (heard: Heard): void => {
    for (const queues of listeners.values()) for (const queue of queues) Queue.offerUnsafe(queue, heard)
  }

  const begin = ({ since }: Position) => engine.begin(events({ since, types: ["container"], actions, labels: owned }))

  const read = (stream: Stream.Stream<EngineEvent, EngineError>, position: Position) =>
    Stream.runForEach(stream, (event) =>
      Effect.sync(() => {
        if (!position.advance(event)) return
        const id = ContainerIdentity.instanceOf(stateDirectory, event.Actor.Attributes)
        const queues = id === undefined ? undefined : listeners.get(id)
        for (const queue of queues ?? []) Queue.offerUnsafe(queue, { _tag: "Happened", action: event.Action })
      }))

  /** Ends when the engine gives no sign of life. */
  const pulse = Effect.sleep(heartbeat).pipe(
    Effect.andThen(engine.execute(System.ping, { deadline: heartbeat })),
    Effect.forever,
    Effect.ignore
  )

  const feed: RcRef.RcRef<void, EngineError> = yield* RcRef.make({
    acquire: Effect.gen(function*() {
      const parent = yield* Effect.scope
      const { SystemTime } = yield* engine.execute(System.info)
      const position = new Position(unixTime(SystemTime))
      const dial = Effect.flatMap(
        Scope.fork(parent),
        (scope) => Effect.map(Scope.provide(begin(position), scope), (stream) => ({ scope, stream }))
      )
      const first = yield* dial
      yield* Effect.forkScoped(Effect.gen(function*() {
        let current = first
        while (true) {
          yield* Effect.raceFirst(Effect.ignore(read(current.stream, position)), pulse)
          yield* Scope.close(current.scope, Exit.void)
          const next = yield* Effect.result(dial)
          if (Result.isFailure(next)) {
            // Whoever listens next opens another.
            yield* RcRef.invalidate(feed)
            return tellAll({ _tag: "Lost", cause: next.failure.message })
          }
          current = next.success
          tellAll({ _tag: "Resumed" })
        }
      }))
    })
  })

  return {
    listen: Effect.fnUntraced(function*(id) {
      const queue = yield* Queue.unbounded<Heard>()
      yield* Effect.acquireRelease(
        Effect.sync(() => listeners.set(id, (listeners.get(id) ?? new Set()).add(queue))),
        () =>
          Effect.sync(() => {
            const queues = listeners.get(id)
            queues?.delete(queue)
            if (queues?.size === 0) listeners.delete(id)
          })
      )
      yield* RcRef.get(feed)
      return queue
    })
  }
})
