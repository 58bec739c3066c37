/**
 * What an engine tells of a node's containers: one stream of events for all who watch one.
 *
 * It is there while somebody listens. When it breaks it is resumed from the last event, once; who listens is told to look at its
 * container, since an engine that was restarted has forgotten what happened before. When it can not be resumed, everybody is told
 * that the engine is lost, and nothing of their containers.
 */
import { Clock, Effect, Exit, Queue, RcRef, Result, Schedule, Scope, Stream } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type * as EngineClient from "../../docker/EngineClient.ts"
import type { EngineError } from "../../docker/EngineError.ts"
import { type EngineEvent, events } from "../../docker/EngineEvent.ts"
import * as System from "../../docker/System.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"
import type { ContainerList } from "./ContainerList.ts"
import { isRunningStatus } from "./ContainerState.ts"
import type { DockerConfig } from "./DockerConfig.ts"

/** What a listener hears. */
export type Heard =
  | { readonly _tag: "Happened"; readonly event: EngineEvent }
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

  /**
   * The instances whose containers run, then those whose containers start, whoever starts them. When the engine was away, again
   * those that run. Never ends.
   */
  readonly begun: Stream.Stream<InstanceId>
}

/** The events that say something of a guest. Podman wants two of them to be asked for by names of its own. */
const actions = ["start", "oom", "kill", "die", "died", "destroy", "remove", "pause", "unpause"]

/** How many events are remembered, to tell those that come again when the stream is resumed. */
const rememberedMax = 128

/** How often an engine that is away is asked what runs there now. */
const askAgainAfter = "2 seconds"

/**
 * Now by the engine's clock, in Unix time: an engine may begin to answer before it listens. One on this host has our clock; to ask
 * another takes it a while.
 */
const now = (engine: EngineClient.Shape): Effect.Effect<string, EngineError> =>
  Effect.map(
    engine.endpoint.connect.socketPath === undefined
      ? Effect.map(engine.execute(System.info), ({ SystemTime }) => Date.parse(SystemTime))
      : Clock.currentTimeMillis,
    (nowMillis) => (nowMillis / 1000).toFixed(3)
  )

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
  list: ContainerList,
  { heartbeat, stateDirectory }: DockerConfig
): Effect.fn.Return<ContainerEvents, never, Scope.Scope> {
  const listeners = new Map<InstanceId | "all", Set<Queue.Queue<Heard>>>()
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
        if (id === undefined) return
        for (const whose of [id, "all"] as const) {
          for (const queue of listeners.get(whose) ?? []) Queue.offerUnsafe(queue, { _tag: "Happened", event })
        }
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
      const position = new Position(yield* now(engine))
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

  const listen = Effect.fnUntraced(function*(whose: InstanceId | "all") {
    const queue = yield* Queue.unbounded<Heard>()
    yield* Effect.acquireRelease(
      Effect.sync(() => listeners.set(whose, (listeners.get(whose) ?? new Set()).add(queue))),
      () =>
        Effect.sync(() => {
          const queues = listeners.get(whose)
          queues?.delete(queue)
          if (queues?.size === 0) listeners.delete(whose)
        })
    )
    yield* RcRef.get(feed)
    return queue
  })

  const running = Effect.map(
    list.all,
    (all) => Array.from(all).flatMap(([id, { status }]) => isRunningStatus(status) ? [id] : [])
  )

  /** Those that begin to run by what was heard. Fails when the engine is away. */
  const begunBy = (heard: Heard): Effect.Effect<ReadonlyArray<InstanceId>, EngineError | "lost"> => {
    if (heard._tag === "Lost") return Effect.fail("lost")
    if (heard._tag === "Resumed") return running
    const { Action, Actor } = heard.event
    const id = Action === "start" ? ContainerIdentity.instanceOf(stateDirectory, Actor.Attributes) : undefined
    return Effect.succeed(id === undefined ? [] : [id])
  }

  return {
    listen,
    begun: Stream.unwrap(
      Effect.map(
        listen("all"),
        (queue) => Stream.concat(Stream.succeed<Heard>({ _tag: "Resumed" }), Stream.fromQueue(queue))
      )
    ).pipe(
      Stream.mapEffect(begunBy),
      Stream.flattenIterable,
      Stream.retry(Schedule.spaced(askAgainAfter)),
      // It is told of failures by what it asks for itself.
      Stream.orDie
    )
  }
})
