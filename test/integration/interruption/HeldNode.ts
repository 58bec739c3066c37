/**
 * A node with real guests, which a test holds wherever it likes, and whose launchers come and go.
 */
import { Context, Duration, Effect, Exit, FileSystem, Layer, Schema, Scope, Stream } from "effect"
import { assert } from "@effect/vitest"
import type { QemuConfig } from "../../../src/backend/qemu/QemuConfig.ts"
import * as QemuVirtualizer from "../../../src/backend/qemu/QemuVirtualizer.ts"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { VolumeId, type VolumeSpec } from "../../../src/domain/Volume.ts"
import type { InstanceState } from "../../../src/domain/InstanceState.ts"
import { Launcher, type LauncherChange } from "../../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../../src/launcher/LauncherError.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import { exec } from "../../host/exec.ts"
import * as GatedQemu from "../../host/GatedQemu.ts"
import * as Gates from "../../host/Gates.ts"
import * as Gate from "../../host/Gate.ts"
import * as Inventory from "../../host/Inventory.ts"
import { killGuests } from "../../host/killGuests.ts"

export const id = InstanceId.make("67e8")
/** The id of another instance, on whose control channel there is no relay. */
export const otherId = InstanceId.make("67e9")

/**
 * What none of these tests may wait for: the deadlines of a launch (15 s), of a step, of a command that waits for a guest
 * that does not answer (10 s), one after the other.
 */
const soon = Duration.seconds(9)

/** Runs something that must not wait for a deadline. */
export const quickly = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.map(Effect.timed(effect), ([taken, value]) => {
    assert.isBelow(Duration.toMillis(taken), Duration.toMillis(soon), what)
    return value
  })

/** A node with an image, and a volume. Its guest has an overlay on that image, a seed, and a gated QEMU with a relay. */
export const make = Effect.fn("HeldNode.make")(function*(config: Partial<typeof QemuConfig.Type> = {}) {
  const fs = yield* FileSystem.FileSystem
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "held-" })
  yield* fs.chmod(stateDirectory, 0o755)
  yield* killGuests(stateDirectory)
  for (const name of ["images", "volumes"]) yield* fs.makeDirectory(`${stateDirectory}/${name}`)
  const image = `${stateDirectory}/images/base.qcow2`
  yield* exec("qemu-img", "create", "-q", "-f", "qcow2", image, "1M")
  yield* fs.chmod(image, 0o644)
  const volume = { id: VolumeId.make("data") } satisfies VolumeSpec
  yield* fs.writeFile(`${stateDirectory}/volumes/data.raw`, new Uint8Array(1024 * 1024))
  const spec = yield* Schema.decodeUnknownEffect(InstanceSpec)({
    id,
    memory: "32 MiB",
    stopGrace: "200 millis",
    boot: { kind: "image", path: image, format: "qcow2" },
    cloudInit: { dataSource: "nocloud", userData: "#cloud-config\n" }
  })
  const gates = yield* Gates.make
  const qemu = yield* GatedQemu.make()
  const relay = yield* qemu.relay(id)

  const layer = LauncherDirectory.layer(stateDirectory).pipe(
    Layer.provide(QemuVirtualizer.layer({
      stateDirectory,
      accelerator: "tcg",
      emulator: qemu.emulator,
      runtimeDirectory: `${stateDirectory}/r`,
      ...config
    })),
    Layer.provide(Layer.succeedContext(gates.services))
  )
  /** The processes of the guests. */
  const pids = Effect.provideContext(
    Effect.map(QemuDiscovery.scan(stateDirectory), (all) => all.map(({ identity }) => identity.pid)),
    gates.services
  )

  return {
    gates,
    qemu,
    relay,
    spec,
    volume,
    pids,
    inventory: Inventory.take(stateDirectory),
    /** Stops the guests' processes (SIGSTOP). They are gone with the scope. */
    freeze: Effect.flatMap(
      pids,
      Effect.forEach(
        (pid) =>
          Effect.andThen(Gate.signal(pid, "SIGSTOP"), Gate.until("a guest is not frozen", () => Gate.isStopped(pid))),
        {
          discard: true
        }
      )
    ),
    thaw: Effect.flatMap(pids, Effect.forEach((pid) => Gate.signal(pid, "SIGCONT"), { discard: true })),
    /** A launcher with a scope of its own, closed by `close`, and by the test's end. */
    open: Effect.gen(function*() {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const launcher = Context.get(yield* Scope.provide(Layer.build(layer), scope), Launcher)
      // Who holds the lock becomes another program when it has it.
      yield* Gate.until(
        "the lock's holder is not settled",
        () => !Inventory.processes(stateDirectory).some((words) => words.startsWith("sh "))
      )
      return { launcher, close: Scope.close(scope, Exit.void) }
    })
  }
})

export type HeldNode = Effect.Success<ReturnType<typeof make>>

/** Waits until the instance is in a state. */
export const untilState = (launcher: Launcher["Service"], tag: InstanceState["_tag"]): Effect.Effect<void> =>
  Gate.within(
    `the instance is not ${tag}`,
    launcher.changes.pipe(
      Stream.flatMap((entry) => Stream.fromIterable(statesIn(entry))),
      Stream.takeUntil((state) => state === tag),
      Stream.runDrain
    )
  )

const statesIn = (entry: LauncherChange): ReadonlyArray<string> =>
  entry._tag === "Snapshot"
    ? entry.instances.map(({ state }) => state._tag)
    : entry._tag === "Event" && entry.event.change._tag === "StateChanged"
    ? [entry.event.change.state._tag]
    : []

/** The code that a command fails with. */
export const codeOf = <A>(effect: Effect.Effect<A, LauncherError>) =>
  Effect.map(Effect.flip(effect), ({ code }) => code)

/** Runs something beside the test, at most until its end. */
export const beside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkScoped(effect, { startImmediately: true })

/** What was written to a socket of this process has been read, and what follows from it done. */
export const turns = Effect.repeat(Effect.promise(() => new Promise((resume) => setImmediate(resume))), { times: 50 })
