/**
 * An engine with one container, which runs, as far as pausing goes. It hears of each pause, and of each end of one, once more some
 * time after it did it, and takes that for new where it is no longer so, as Docker does. A real one can not be made to be late.
 */
import { Clock, Effect, Queue, Schema, type Scope, Semaphore, Stream } from "effect"
import type { Heard } from "../../../src/backend/docker/ContainerEvents.ts"
import { DockerConfig } from "../../../src/backend/docker/DockerConfig.ts"
import type { DockerHost, Services } from "../../../src/backend/docker/DockerHost.ts"
import * as ImagePulls from "../../../src/backend/docker/ImagePulls.ts"
import type * as EngineClient from "../../../src/docker/EngineClient.ts"
import * as EngineEndpoint from "../../../src/docker/EngineEndpoint.ts"
import { type EngineError, fromStatus } from "../../../src/docker/EngineError.ts"

/** How late it is at most: a doubt outlasts it. */
export const lateMillisMax = 150

export interface LateEngine {
  readonly host: DockerHost
  /** Whether the container is paused in truth. */
  readonly isPaused: () => boolean
  /** Pauses it, or ends that, as it is asked by anybody. */
  readonly make: (paused: boolean) => Effect.Effect<void, EngineError>
  /** The signals that it was asked to send. It sends none. */
  readonly signals: ReadonlyArray<string | undefined>
}

/** `delaysMillis` are how late it hears, time by time, and over again. */
export const make = Effect.fnUntraced(function*(
  delaysMillis: ReadonlyArray<number>
): Effect.fn.Return<LateEngine, never, Scope.Scope | Services> {
  const scope = yield* Effect.scope
  const container = `late-${process.pid}`
  const clock = yield* Clock.clockWith(Effect.succeed)
  const heard = yield* Queue.unbounded<Heard>()
  const signals: Array<string | undefined> = []
  const engine = { isPaused: false, isBelievedPaused: false, notices: 0, dueMillis: 0 }

  const believe = (paused: boolean): void => {
    engine.isBelievedPaused = paused
    const event = { Type: "container", Action: paused ? "pause" : "unpause", Actor: { ID: container }, time: 1 }
    Queue.offerUnsafe(heard, { _tag: "Happened", event: { ...event, timeNano: 1e9 } })
  }

  /** Notices are in order. */
  const noticeLater = (paused: boolean) => {
    const delayMillis = delaysMillis[engine.notices++ % delaysMillis.length] ?? 0
    const nowMillis = clock.currentTimeMillisUnsafe()
    engine.dueMillis = Math.max(engine.dueMillis, nowMillis + delayMillis)
    return Effect.sleep(engine.dueMillis - nowMillis).pipe(
      Effect.andThen(Effect.sync(() => engine.isBelievedPaused === paused ? undefined : believe(paused))),
      Effect.forkIn(scope, { startImmediately: true })
    )
  }

  const make = (paused: boolean): Effect.Effect<void, EngineError> =>
    Effect.suspend(() => {
      // What it does not know, containerd does.
      if (paused === engine.isBelievedPaused || paused === engine.isPaused) {
        return Effect.fail(fromStatus("POST", paused ? 409 : 500, paused ? "it is paused" : "it is not paused"))
      }
      engine.isPaused = paused
      believe(paused)
      return noticeLater(paused)
    })

  const inspected = () => ({
    Id: container,
    Name: "/c",
    Image: "sha256:0",
    Created: "1970-01-01T00:00:00Z",
    State: {
      Status: engine.isBelievedPaused ? "paused" : "running",
      Running: true,
      Paused: engine.isBelievedPaused,
      OOMKilled: false,
      Pid: 1,
      ExitCode: 0,
      Error: "",
      StartedAt: "1970-01-01T00:00:00Z",
      FinishedAt: "0001-01-01T00:00:00Z"
    },
    Config: { Hostname: "c", Image: "c", Tty: false, Env: [], Cmd: [], Labels: {} },
    NetworkSettings: { Networks: {} },
    SizeRw: null,
    SizeRootFs: null
  })

  const execute: EngineClient.Shape["execute"] = (call) => {
    const word = call.path.slice(call.path.lastIndexOf("/") + 1)
    if (word === "kill") signals.push(call.query["signal"])
    return Effect.flatMap(
      word === "json"
        ? Effect.sync(inspected)
        : word === "kill"
        ? Effect.undefined
        : Effect.as(make(word === "pause"), undefined),
      (reply) => Effect.orDie(Schema.decodeUnknownEffect(call.returns)(reply))
    )
  }

  const never = () => Stream.die("nobody asks for this")
  const client: EngineClient.Shape = {
    endpoint: EngineEndpoint.unix("/nowhere"),
    apiVersion: Effect.die("nobody asks for this"),
    execute,
    stream: never,
    begin: () => Effect.die("nobody asks for this"),
    bytes: never,
    upgrade: () => Effect.die("nobody asks for this")
  }
  const config = DockerConfig.make({ stateDirectory: "/nowhere" })
  const host: DockerHost = {
    config,
    engine: client,
    events: { listen: () => Effect.succeed(heard), begun: Stream.never },
    list: {
      find: () => Effect.succeed({ container, status: engine.isBelievedPaused ? "paused" : "running" }),
      all: Effect.succeed(new Map())
    },
    leisure: yield* Semaphore.make(1),
    pulls: yield* ImagePulls.make(client, config),
    volumes: "none",
    services: yield* Effect.context<Services>()
  }
  return { host, isPaused: () => engine.isPaused, make, signals }
})
