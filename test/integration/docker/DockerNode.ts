/**
 * A node with a launcher on a real engine, whose calls can be held.
 */
import { Context, Duration, Effect, FileSystem, Layer, Schema, Stream } from "effect"
import * as DockerVirtualizer from "../../../src/backend/docker/DockerVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import type { InstanceState } from "../../../src/domain/InstanceState.ts"
import { Launcher, type LauncherChange } from "../../../src/launcher/Launcher.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import * as Containers from "../../host/docker/Containers.ts"
import type * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Gate from "../../host/Gate.ts"

export const id = InstanceId.make("d0c")

/** A launcher on a state directory, whose way to an engine is a socket. */
export const launcherOn = Effect.fnUntraced(
  function*(stateDirectory: string, socket: string, engine: DockerEngine.DockerEngine) {
    const layer = LauncherDirectory.layer(stateDirectory).pipe(
      Layer.provide(DockerVirtualizer.layer({
        stateDirectory,
        volumesDirectory: `${engine.shared}/mounted`,
        heartbeat: Duration.seconds(2)
      })),
      Layer.provide(EngineAccess.client(socket, { callDeadline: "2 seconds" }))
    )
    return Context.get(yield* Layer.build(layer), Launcher)
  }
)

/** A node on an engine that has the tests' images. */
export const on = Effect.fn("DockerNode.on")(function*(engine: DockerEngine.DockerEngine) {
  const fs = yield* FileSystem.FileSystem
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "dn-" })
  const relay = yield* EngineRelay.make(engine.socket, `${stateDirectory}/engine.sock`)
  const launcher = yield* launcherOn(stateDirectory, relay.socket, engine)
  const told: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(launcher.changes, (change) => Effect.sync(() => told.push(...statesIn(change)))),
    { startImmediately: true }
  )
  return {
    engine,
    relay,
    launcher,
    /** The states that the instance was told to be in, one after the other. */
    told,
    spec: (image: TestImages.TestImage, more: object = {}) =>
      Effect.orDie(
        Schema.decodeUnknownEffect(InstanceSpec)({
          id,
          virtualizer: "docker",
          memory: "64 MiB",
          stopGrace: "1 second",
          boot: { kind: "container", image: TestImages.reference(image) },
          ...more
        })
      ),
    /** The containers that the engine has, past the launcher. */
    containers: Effect.orDie(Containers.all(engine.http))
  }
})

export type DockerNode = Effect.Success<ReturnType<typeof on>>

const statesIn = (change: LauncherChange): ReadonlyArray<string> =>
  change._tag === "Snapshot"
    ? change.instances.map(({ state }) => state._tag)
    : change._tag === "Event" && change.event.change._tag === "StateChanged"
    ? [change.event.change.state._tag]
    : []

/** Waits until the instance is in one of these states. Nothing where it is gone. */
export const untilState = (
  { launcher }: DockerNode,
  ...tags: ReadonlyArray<InstanceState["_tag"] | "gone">
): Effect.Effect<InstanceState | undefined> => {
  const state = Effect.map(launcher.list, (all) => all[0]?.state)
  return Gate.within(
    `the instance is not ${tags.join(" or ")}`,
    Effect.repeat(Effect.tap(state, () => Effect.sleep("10 millis")), {
      until: (state) => tags.includes(state?._tag ?? "gone")
    })
  )
}
