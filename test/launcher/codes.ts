/** Every code that a command can be refused with, and how that comes about. */
import { ByteSize, Effect, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import { Launcher } from "../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../src/launcher/LauncherError.ts"
import * as StartBorder from "../../src/launcher/StartBorder.ts"
import { AttachFailed, HostFailure, ImageUnusable, LaunchFailed } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, spec, TestNode, volume } from "./TestNode.ts"

const a = id("a1")
const disk = { id: volume("disk") }

export interface Coded {
  readonly code: string
  /** The failure, as a program gets it. */
  readonly failure: string
  readonly when: string
  /** Brings it about and answers with the code; absent where nothing does. */
  readonly bring?: Effect.Effect<string, never, Scope.Scope>
}

type Service = Launcher["Service"]

/** What a command is refused with, and that before it. */
const refused = (
  command: (launcher: Service, node: TestNode) => Effect.Effect<unknown, LauncherError>,
  before: (launcher: Service, node: TestNode) => Effect.Effect<unknown, LauncherError> = () => Effect.void
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const node = new TestNode()
    const launcher = yield* node.launcher({ restartsMax: 0 })
    yield* before(launcher, node)
    const error = yield* beside(Effect.flip(Effect.asVoid(command(launcher, node))))
    yield* TestClock.adjust("20 minutes")
    const answer = error.pollUnsafe()
    return answer?._tag === "Success" ? answer.value.code : "not refused"
  }).pipe(Effect.orDie)

/** What a START is refused with. */
const startRefused = (payload: string, times: 1 | 2 = 1): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const launcher = yield* new TestNode().launcher()
    const start = Effect.provideService(StartBorder.start(payload), Launcher, launcher)
    if (times === 2) yield* start
    return (yield* Effect.flip(start)).code
  }).pipe(Effect.orDie)

const start = (launcher: Service) => launcher.start(spec("a1"))

const payload =
  "start:\n  instance_uuid: a1\n  requirements: { vcpus: 1, mem_mb: 64 }\n  storage: [{ id: 67e8, boot: true }]\n"

export const codes: ReadonlyArray<Coded> = [
  {
    code: "invalid_payload",
    failure: "`PayloadError`",
    when: "a payload of the seed system is no YAML, or too long",
    bring: startRefused("start: [")
  },
  {
    code: "invalid_data",
    failure: "`PayloadError`",
    when: "a payload can be read, and something in it is wrong or missing",
    bring: startRefused("start:\n  instance_uuid: x/y\n")
  },
  {
    code: "full_cn",
    failure: "`NodeFull`",
    when: "the node does not have what the instance needs, or keeps it back",
    bring: refused((launcher) => launcher.start(spec("a1", { memory: ByteSize.gibibytes(64) })))
  },
  {
    code: "node_maintenance",
    failure: "`NodeMaintenance`",
    when: "the node is in maintenance, or being reset",
    bring: refused(start, (launcher) => Stream.runDrain(launcher.evacuate))
  },
  {
    code: "already_running",
    failure: "`StartFailure`",
    when: "a START names an equal instance that runs; `Launcher.start` returns it",
    bring: startRefused(payload, 2)
  },
  {
    code: "instance_exists",
    failure: "`InstanceExists`",
    when: "the id or the name belongs to another instance, or to what no record explains",
    bring: refused((launcher) => launcher.start(spec("a1", { vcpus: 2 })), start)
  },
  {
    code: "image_failure",
    failure: "`StepFailed`",
    when: "what it boots from, a volume, its disk or its seed can not be had or made",
    bring: refused(
      start,
      (_, { world }) =>
        Effect.sync(() => world.next("image", failing(new ImageUnusable({ path: "/vmlinuz", detail: "scripted" }))))
    )
  },
  {
    code: "network_failure",
    failure: "`StepFailed`",
    when: "reserved: nothing is connected in a step of its own; an interface that is not there is a `launch_failure`"
  },
  {
    code: "launch_failure",
    failure: "`StepFailed`",
    when: "its guest can not be launched, ends before it connects, or does not connect in time",
    bring: refused(
      start,
      (_, { world }) => Effect.sync(() => world.next("launch", failing(new LaunchFailed({ detail: "scripted" }))))
    )
  },
  {
    code: "no_instance",
    failure: "`NoInstance`",
    when: "there is no such instance, or it is being deleted",
    bring: refused((launcher) => launcher.stop(a))
  },
  {
    code: "attach_failure",
    failure: "`StepFailed`",
    when: "its guest does not take a volume, or does not let go of it",
    bring: refused((launcher) => launcher.attach(a, disk), (launcher, { world }) =>
      Effect.andThen(
        start(launcher),
        Effect.sync(() => world.next("attach", failing(new AttachFailed({ volume: disk.id, detail: "scripted" }))))
      ))
  },
  {
    code: "already_attached",
    failure: "`AlreadyAttached`",
    when: "another instance of the node has the volume",
    bring: refused(
      (launcher) => launcher.attach(a, disk),
      (launcher) => Effect.andThen(start(launcher), launcher.start(spec("b2", { volumes: [disk] })))
    )
  },
  {
    code: "state_failure",
    failure: "`StateFailure`",
    when: "the state directory can not be written or read",
    bring: Effect.gen(function*() {
      const node = new TestNode()
      node.wrapStore = (store) => ({ ...store, put: () => Effect.fail(new StoreError({ message: "scripted" })) })
      const { code } = yield* Effect.flip(start(yield* node.launcher()))
      return code
    }).pipe(Effect.orDie)
  },
  {
    code: "instance_failure",
    failure: "`InstanceFailure`, `StepFailed`",
    when: "the instance is not in a state that allows it, or its guest refuses",
    bring: refused((launcher) => launcher.pause(a), (launcher) => Effect.andThen(start(launcher), launcher.stop(a)))
  },
  {
    code: "not_supported",
    failure: "`NotSupported`, `StepFailed`",
    when: "the node has no such virtualizer, or it does not do that",
    bring: refused((launcher) => launcher.start(spec("a1", { boot: { kind: "container", image: "busybox" } })))
  },
  {
    code: "superseded",
    failure: "`Superseded`",
    when: "a stronger command took over",
    bring: refused(
      (launcher, { world }) => {
        const gate = world.hold("image")
        return Effect.andThen(
          beside(Effect.andThen(gate.reached, Effect.ignore(launcher.delete(a)))),
          start(launcher)
        )
      }
    )
  },
  {
    code: "timed_out",
    failure: "`TimedOut`",
    when: "the command's deadline passed; what was asked for goes on",
    bring: refused((launcher) => launcher.delete(a), (launcher, { world }) =>
      Effect.andThen(
        start(launcher),
        Effect.sync(() => world.always("deleteImage", failing(new HostFailure({ detail: "scripted" }))))
      ))
  },
  {
    code: "launcher_closed",
    failure: "`LauncherClosed`",
    when: "the launcher closed before it could answer; the next goes on with what is on record",
    bring: Effect.gen(function*() {
      const { close, launcher } = yield* new TestNode().open()
      yield* close
      return (yield* Effect.flip(start(launcher))).code
    }).pipe(Effect.orDie)
  },
  {
    code: "crash_loop",
    failure: "`StepFailed`",
    when: "its restart policy gave it up while something was asked of it",
    bring: refused((launcher) => launcher.pause(a), (launcher, { world }) =>
      Effect.andThen(
        launcher.start(spec("a1", { restart: "always" })),
        Effect.sync(() =>
          world.next("pause", Effect.andThen(Effect.sync(() => world.exit(a, { _tag: "Panicked" })), Effect.never))
        )
      ))
  }
]
