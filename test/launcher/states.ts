/** Bringing an instance into each of its states, and asking it for something there. */
import { Cause, Effect, Exit, type Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Tag, tags } from "../../src/domain/InstanceState.ts"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import type { Code, LauncherError } from "../../src/launcher/LauncherError.ts"
import { LaunchFailed, Unreachable } from "../../src/VirtualizerError.ts"
import { failing, type Gate, type Point } from "./ScriptedVirtualizer.ts"
import { beside, id, settle, spec, TestNode, volume } from "./TestNode.ts"

const it = id("a1")
const had = { id: volume("had") }
const other = { id: volume("other") }

/** What is asked of an instance. */
export const commands = [
  "create",
  "start",
  "start (other spec)",
  "stop",
  "restart",
  "delete",
  "pause",
  "resume",
  "attach",
  "detach",
  "stats",
  "get"
] as const

export type Command = typeof commands[number]

/** Where a command can meet an instance: in a state, while it is being deleted, or not at all. */
export type Place = Tag | "(being deleted)" | "(none)"

export const places: ReadonlyArray<Place> = [...tags, "(being deleted)", "(none)"]

/** What came of a command: its answer, where its instance is in the end, and what the command that was under way was told. */
export interface Outcome {
  readonly answer: Code | "ok"
  readonly end: Tag | "gone"
  readonly underWay?: Code | "ok"
}

type Asked = Fiber.Fiber<Exit.Exit<unknown, LauncherError>>

interface Stage {
  /** The command that is under way. */
  readonly underWay?: Asked
  /** What keeps it in its state. */
  readonly gate?: Gate
}

const ours = spec("a1", { volumes: [had] })

const ask = (effect: Effect.Effect<unknown, LauncherError>): Effect.Effect<Asked> => beside(Effect.exit(effect))

/** A start that is held at a point. */
const startHeldAt = Effect.fnUntraced(function*(node: TestNode, launcher: Launcher["Service"], point: Point) {
  const gate = node.world.hold(point)
  const underWay = yield* ask(launcher.start(ours))
  yield* gate.reached
  yield* settle
  return { gate, underWay }
})

/** Brings an instance that is not there yet to a place. */
const bring: {
  readonly [Where in Place]: (node: TestNode, launcher: Launcher["Service"]) => Effect.Effect<Stage, LauncherError>
} = {
  Pending: (node, launcher) => startHeldAt(node, launcher, "probe"),
  Preparing: (node, launcher) => startHeldAt(node, launcher, "image"),
  Starting: (node, launcher) => startHeldAt(node, launcher, "connect"),
  Running: (_, launcher) => Effect.as(launcher.start(ours), {}),
  Paused: (_, launcher) => Effect.as(Effect.andThen(launcher.start(ours), launcher.pause(it)), {}),
  Stopping: Effect.fnUntraced(function*(node, launcher) {
    yield* launcher.start(ours)
    const gate = node.world.hold("stop")
    const underWay = yield* ask(launcher.stop(it))
    yield* gate.reached
    return { gate, underWay }
  }),
  Stopped: (_, launcher) => Effect.as(Effect.andThen(launcher.start(ours), launcher.stop(it)), {}),
  Exited: Effect.fnUntraced(function*(node, launcher) {
    yield* launcher.start(ours)
    node.world.exit(it, { _tag: "PoweredOff" })
    yield* settle
    return {}
  }),
  Restarting: Effect.fnUntraced(function*(node, launcher) {
    yield* launcher.start(spec("a1", { volumes: [had], restart: "always" }))
    node.world.exit(it, { _tag: "PoweredOff" })
    yield* settle
    return {}
  }),
  Failed: Effect.fnUntraced(function*(node, launcher) {
    node.world.next("launch", failing(new LaunchFailed({ detail: "scripted" })))
    yield* Effect.flip(launcher.start(ours)).pipe(Effect.orDie)
    return {}
  }),
  Unknown: Effect.fnUntraced(function*(node, launcher) {
    yield* launcher.start(ours)
    node.world.always("probe", failing(new Unreachable({ detail: "scripted" })))
    node.world.reachable(it, false)
    yield* settle
    return {}
  }),
  "(being deleted)": Effect.fnUntraced(function*(node, launcher) {
    yield* launcher.start(ours)
    const gate = node.world.hold("deleteImage")
    const underWay = yield* ask(launcher.delete(it))
    yield* gate.reached
    return { gate, underWay }
  }),
  "(none)": () => Effect.succeed({})
}

const perform = (
  command: Command,
  launcher: Launcher["Service"],
  place: Place
): Effect.Effect<unknown, LauncherError> => {
  switch (command) {
    case "create":
    case "start":
      return launcher[command](place === "Restarting" ? { ...ours, restart: "always" } : ours)
    case "start (other spec)":
      return launcher.start({ ...ours, vcpus: 7 })
    case "attach":
      return launcher.attach(it, other)
    case "detach":
      return launcher.detach(it, had.id)
    default:
      return launcher[command](it)
  }
}

const answerOf = (exit: Exit.Exit<unknown, LauncherError>): Code | "ok" => {
  if (Exit.isSuccess(exit)) return "ok"
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure === undefined) throw new Error(Cause.pretty(exit.cause))
  return failure.error.code
}

/** Asks for something at a place, on a node of its own. Also says which volumes the instance has in the end. */
export const play = Effect.fnUntraced(
  function*(place: Place, command: Command) {
    const node = new TestNode()
    const launcher = yield* node.launcher()
    const { gate, underWay } = yield* bring[place](node, launcher)
    const before = (yield* launcher.list)[0]?.state._tag
    const asked = yield* ask(perform(command, launcher, place))
    yield* settle
    if (gate !== undefined) yield* gate.open
    // As long as a command can take.
    yield* TestClock.adjust("20 minutes")
    const answer = asked.pollUnsafe()
    const earlier = underWay?.pollUnsafe()
    const info = (yield* launcher.list)[0]
    const outcome: Outcome = {
      answer: answer === undefined || Exit.isFailure(answer)
        ? yield* Effect.die("not answered")
        : answerOf(answer.value),
      end: info?.state._tag ?? "gone",
      ...(earlier === undefined || Exit.isFailure(earlier) ? {} : { underWay: answerOf(earlier.value) })
    }
    return {
      before,
      outcome,
      volumes: info?.volumes.map((volume) => volume.id) ?? [],
      violations: node.world.violations
    }
  },
  Effect.scoped,
  Effect.provide(TestClock.layer(), { local: true })
)
