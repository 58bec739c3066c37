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

/** How late it may be, in milliseconds: time by time, and over again. */
export interface Lateness {
  /** How long after it did something it hears of that. A doubt outlasts 150. */
  readonly notices: readonly [number, ...Array<number>]
  /** How long its answers take to arrive, */
  readonly answers: readonly [number, ...Array<number>]
  /** and its events, which stay in order. */
  readonly events: readonly [number, ...Array<number>]
}

export interface LateEngine {
  readonly host: DockerHost
  /** Whether the container is paused in truth. */
  readonly isPaused: () => boolean
  /** Pauses it, or ends that, as it is asked by anybody. */
  readonly make: (paused: boolean) => Effect.Effect<void, EngineError>
  /** The signals that it was asked to send. It sends none. */
  readonly signals: ReadonlyArray<string | undefined>
}

export const make = Effect.fnUntraced(function*(
  lateness: Lateness
): Effect.fn.Return<LateEngine, never, Scope.Scope | Services> {
  const scope = yield* Effect.scope
  const container = `late-${process.pid}`
  const clock = yield* Clock.clockWith(Effect.succeed)
  const heard = yield* Queue.unbounded<Heard>()
  const signals: Array<string | undefined> = []
  const engine = { isPaused: false, isBelievedPaused: false, isDoomed: false }

  /** Does things in order, each so late. */
  const lately = (delaysMillis: ReadonlyArray<number>) => {
    let times = 0
    let dueMillis = 0
    return (what: Effect.Effect<void>) =>
      Effect.suspend(() => {
        const nowMillis = clock.currentTimeMillisUnsafe()
        dueMillis = Math.max(dueMillis, nowMillis + (delaysMillis[times++ % delaysMillis.length] ?? 0))
        return Effect.forkIn(Effect.delay(what, dueMillis - nowMillis), scope, { startImmediately: true })
      })
  }
  const notice = lately(lateness.notices)
  const tell = lately(lateness.events)
  let answers = 0
  const answer = Effect.suspend(() => Effect.sleep(lateness.answers[answers++ % lateness.answers.length] ?? 0))

  const believe = (paused: boolean) => {
    engine.isBelievedPaused = paused
    const event = { Type: "container", Action: paused ? "pause" : "unpause", Actor: { ID: container }, time: 1 }
    return tell(Effect.asVoid(Queue.offer(heard, { _tag: "Happened", event: { ...event, timeNano: 1e9 } })))
  }

  const make = (paused: boolean): Effect.Effect<void, EngineError> =>
    Effect.suspend(() => {
      // What it does not know, containerd does.
      if (paused === engine.isBelievedPaused || paused === engine.isPaused) {
        return Effect.fail(fromStatus("POST", paused ? 409 : 500, paused ? "it is paused" : "it is not paused"))
      }
      engine.isPaused = paused
      const noticed = Effect.suspend(() => engine.isBelievedPaused === paused ? Effect.void : believe(paused))
      return Effect.andThen(believe(paused), notice(Effect.asVoid(noticed)))
    })

  const kill = (signal: string | undefined) =>
    Effect.sync(() => {
      signals.push(signal)
      if (signal === "SIGKILL") engine.isDoomed = true
    })

  /** What is frozen is not gone, whatever it was sent. */
  const isRunning = () => !engine.isDoomed || engine.isPaused

  const inspected = () => ({
    Id: container,
    Name: "/c",
    Image: "sha256:0",
    Created: "1970-01-01T00:00:00Z",
    State: {
      Status: !isRunning() ? "exited" : engine.isBelievedPaused ? "paused" : "running",
      Running: isRunning(),
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

  const stopped = Effect.repeat(Effect.delay(Effect.sync(isRunning), 10), { until: (running) => !running })
  const reply = (path: string, signal: string | undefined): Effect.Effect<unknown, EngineError> => {
    switch (path.slice(path.lastIndexOf("/") + 1)) {
      case "pause":
        return make(true)
      case "unpause":
        return make(false)
      case "kill":
        return kill(signal)
      case "wait":
        return Effect.as(stopped, { StatusCode: 137 })
      default:
        return Effect.sync(inspected)
    }
  }

  const execute: EngineClient.Shape["execute"] = ({ path, query, returns }) =>
    Effect.result(reply(path, query["signal"])).pipe(
      Effect.tap(answer),
      Effect.flatMap(Effect.fromResult),
      Effect.flatMap((value) => Effect.orDie(Schema.decodeUnknownEffect(returns)(value)))
    )

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
