/**
 * An engine that is killed, or restarted, at every point of a container's life, and what a launcher makes of that: when the engine
 * is back there is no second container, none that nobody knows, and nothing that was asked for is lost.
 */
import type { NodeServices } from "@effect/platform-node"
import { ByteSize, Context, Effect, Exit, Fiber, FileSystem, Layer, Option, Schedule, type Scope } from "effect"
import * as ContainerIdentity from "../../../src/backend/docker/ContainerIdentity.ts"
import * as DockerVirtualizer from "../../../src/backend/docker/DockerVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { Dice } from "../../../src/internal/Dice.ts"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../../src/launcher/LauncherError.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import * as Containers from "../../host/docker/Containers.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as Registry from "../../host/docker/Registry.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"

/** Where the engine goes, and how. */
export interface KillPoint {
  /** What is asked for then. An instance that is only there is asked for nothing. */
  readonly command: "delete" | "nothing" | "pull" | "start" | "stop"
  /** The call in whose middle it goes: before the engine has got it, or when it has answered and nobody was told. */
  readonly call: string
  readonly side: EngineRelay.Side
  readonly how: "kill" | "stop"
  readonly liveRestore: boolean
  /** How long it is away. */
  readonly awayMillis: number
}

/**
 * The calls of each command, as they are known of: by their method and a part of their path. `NAME` is the container's, and `ID` the
 * instance's.
 */
const calls: Readonly<Record<KillPoint["command"], ReadonlyArray<string>>> = {
  nothing: ["nothing"],
  pull: ["GET /images/.*/json", "POST /images/create"],
  start: [
    "GET /containers/json.*instance=ID\"",
    "POST /containers/create.*NAME",
    "POST /containers/[0-9a-f]{64}/start"
  ],
  stop: ["GET /containers/[0-9a-f]{64}/json", "POST /containers/[0-9a-f]{64}/kill"],
  delete: ["POST /containers/[0-9a-f]{64}/kill", "DELETE /containers/[0-9a-f]{64}"]
}

/** A point in words, by which it is found again. */
export const nameOf = ({ awayMillis, call, command, how, liveRestore, side }: KillPoint): string =>
  `${how} ${side} ${call} of ${command}, for ${awayMillis} ms${liveRestore ? ", with live restore" : ""}`

/** So many points of a seed. */
export const points = (seed: number | string, count: number): ReadonlyArray<KillPoint> => {
  const dice = new Dice(seed).for("engine kills")
  return Array.from({ length: count }, () => {
    const command = dice.one(...["nothing", "pull", "start", "start", "stop", "delete"] as const)
    const [first = "nothing", ...others] = calls[command]
    return {
      command,
      call: dice.one(first, ...others),
      side: dice.one(...["before", "after"] as const),
      how: dice.one(...["kill", "kill", "stop"] as const),
      liveRestore: dice.chance(0.5),
      awayMillis: dice.between(0, 500)
    }
  })
}

/** How long a launcher may take when the engine is back. */
const convergence = "10 seconds"

const witness = InstanceId.make("c0")
const settled = ["Running", "Exited", "Stopped", "Failed"]

/** An engine, and a launcher that comes to it through a relay. */
interface Ground {
  readonly engine: DockerEngine.DockerEngine
  readonly relay: EngineRelay.EngineRelay
  readonly launcher: Launcher["Service"]
  readonly stateDirectory: string
  readonly pulled: string
}

/** An engine that restores its containers or does not, as long as the scope is open. */
const ground = Effect.fnUntraced(function*(
  liveRestore: boolean
): Effect.fn.Return<Ground, never, NodeServices.NodeServices | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const stateDirectory = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "kills-" }))
  const engine = yield* Effect.orDie(DockerEngine.make({ liveRestore }))
  yield* TestImages.load(engine)
  const registry = yield* Registry.make(engine, "open")
  yield* registry.push("obedient")
  const relay = yield* EngineRelay.make(engine.socket, `${stateDirectory}/engine.sock`)
  const node = LauncherDirectory.layer(stateDirectory).pipe(
    Layer.provide(DockerVirtualizer.layer({ stateDirectory, volumesDirectory: `${engine.shared}/mounted` })),
    Layer.provide(EngineAccess.client(relay.socket))
  )
  const launcher = Context.get(yield* Effect.orDie(Layer.build(node)), Launcher)
  return { engine, relay, launcher, stateDirectory, pulled: registry.reference("obedient") }
})

const spec = (id: InstanceId, image: string): InstanceSpec =>
  InstanceSpec.make({
    id,
    virtualizer: "docker",
    memory: ByteSize.mebibytes(64),
    boot: { kind: "container", image }
  })

/** What there is of an instance: what the launcher says, and what the engine has. */
const look = Effect.fnUntraced(function*({ engine, launcher }: Ground, id: InstanceId) {
  const containers = yield* Effect.orDie(Containers.all(engine.http, [`${ContainerIdentity.label.instance}=${id}`]))
  const info = yield* Effect.option(launcher.get(id))
  return {
    state: Option.match(info, { onNone: () => "none", onSome: ({ state }) => state._tag }),
    all: containers.length,
    running: containers.filter(({ State }) => State === "running").length
  }
})

type Seen = Effect.Success<ReturnType<typeof look>>

/** Whether what the launcher says is what there is, and nothing is under way. */
const isSound = ({ all, running, state }: Seen): boolean =>
  state === "none" ? all === 0 : settled.includes(state) && all <= 1 && (running === 1) === (state === "Running")

const told = ({ all, running, state }: Seen): string => `${state}, with ${running} running of ${all} containers`

/** Waits until it is so. Answers what is there if it does not become so. */
const converges = (ground: Ground, id: InstanceId, isSo: (seen: Seen) => boolean) => {
  let last: Seen | undefined
  return look(ground, id).pipe(
    Effect.tap((seen) =>
      Effect.sync(() => {
        last = seen
      })
    ),
    Effect.repeat({ until: isSo, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOption(convergence),
    Effect.map((seen) =>
      Option.isSome(seen) ? [] : [`${id} after ${convergence}: ${last === undefined ? "nothing" : told(last)}`]
    )
  )
}

/** What must be so in the end, beside what must always be. */
const isDone = ({ command, liveRestore }: KillPoint, succeeded: boolean, { state }: Seen): boolean => {
  switch (command) {
    case "delete":
      return state === "none"
    case "stop":
      return state === "Exited" || state === "Stopped"
    case "nothing":
      return state === (liveRestore ? "Running" : "Exited")
    case "pull":
    case "start":
      // One that ran when the engine went has gone with it, or has not.
      return succeeded ? state === "Running" || (!liveRestore && state === "Exited") : state !== "Running"
  }
}

/** While the engine is away nothing is known of a container, unless the engine ended it in time. */
const whileAway = Effect.fnUntraced(function*({ launcher }: Ground, { how, liveRestore }: KillPoint) {
  const states = how === "kill" || liveRestore ? ["Unknown"] : ["Unknown", "Exited"]
  const { state } = yield* launcher.get(witness).pipe(
    Effect.repeat({ until: ({ state }) => state._tag !== "Running", schedule: Schedule.spaced("5 millis") })
  )
  return states.includes(state._tag) ? [] : [`while the engine was away a container was ${state._tag}`]
})

/** Plays one point with an instance. Answers what is wrong afterwards. */
const play = Effect.fnUntraced(function*(
  ground: Ground,
  point: KillPoint,
  id: InstanceId
): Effect.fn.Return<ReadonlyArray<string>> {
  const { engine, launcher, pulled, relay, stateDirectory } = ground
  const own = TestImages.reference("obedient")
  const wrong: Array<string> = []
  yield* Effect.orDie(launcher.start(spec(witness, own)))
  const instance = spec(id, point.command === "pull" ? pulled : own)
  if (point.command === "pull") yield* Effect.ignore(engine.http.request("DELETE", `/images/${pulled}`))
  else if (point.command !== "start") yield* Effect.orDie(launcher.start(instance))

  const command: Effect.Effect<unknown, LauncherError> = {
    nothing: Effect.void,
    pull: launcher.start(instance),
    start: launcher.start(instance),
    stop: launcher.stop(id),
    delete: launcher.delete(id)
  }[point.command]
  const path = point.call.replace(" ", " /v[0-9.]+").replace("ID", id)
    .replace("NAME", ContainerIdentity.nameOf(stateDirectory, id))
  const gate = relay.hold(point.side, new RegExp(`^${path}`))
  const asked = yield* Effect.forkChild(Effect.exit(command), { startImmediately: true })
  if (point.command !== "nothing") yield* gate.reached
  yield* engine[point.how]
  yield* gate.open
  wrong.push(...yield* Gate.within("nobody saw the engine go", Effect.orDie(whileAway(ground, point))))
  yield* Effect.sleep(point.awayMillis)
  yield* engine.start

  const answer = yield* Effect.timeoutOption(Fiber.join(asked), convergence)
  if (Option.isNone(answer)) wrong.push(`no answer within ${convergence} of the engine's return`)
  const succeeded = Option.isSome(answer) && Exit.isSuccess(answer.value)
  wrong.push(
    ...yield* converges(ground, id, (seen) => isSound(seen) && isDone(point, succeeded, seen)),
    ...yield* converges(
      ground,
      witness,
      (seen) => isSound(seen) && seen.state === (point.liveRestore ? "Running" : "Exited")
    )
  )
  for (const each of [id, witness]) {
    yield* Effect.ignore(launcher.delete(each))
    const left = yield* look(ground, each)
    if (left.state !== "none" || left.all > 0) wrong.push(`${each} after its deletion: ${told(left)}`)
  }
  return wrong
})

/** Plays points one after the other on each of two engines, and tells of each what was wrong. */
export const run = Effect.fnUntraced(function*(
  points: ReadonlyArray<KillPoint>,
  onPlayed: (name: string, wrong: ReadonlyArray<string>) => Effect.Effect<void>
) {
  const playOn = Effect.fnUntraced(function*(liveRestore: boolean) {
    const place = yield* ground(liveRestore)
    const own = points.filter((point) => point.liveRestore === liveRestore)
    yield* Effect.forEach(own, (point, index) =>
      Effect.flatMap(
        play(place, point, InstanceId.make(`d${index.toString(16)}`)),
        (wrong) => onPlayed(nameOf(point), wrong)
      ), { discard: true })
  }, Effect.scoped)
  yield* Effect.all([playOn(false), playOn(true)], { concurrency: 2, discard: true })
})
