/**
 * The outside of Docker's virtualizer, for the conformance suite: real containers, on an engine that all tests share. Each has a
 * state directory of its own, and a way of its own to the engine.
 */
import * as Fs from "node:fs"
import { Context, Effect, FileSystem, Layer, Schedule, Schema } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as ContainerIdentity from "../../../src/backend/docker/ContainerIdentity.ts"
import { DockerConfig, volumesOf } from "../../../src/backend/docker/DockerConfig.ts"
import * as DockerVirtualizer from "../../../src/backend/docker/DockerVirtualizer.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import type { VolumeId } from "../../../src/domain/Volume.ts"
import { ConformanceHost, type Kind, type Shape } from "../../../src/testing/conformance/ConformanceHost.ts"
import * as Containers from "../../host/docker/Containers.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import { exec } from "../../host/exec.ts"
import * as Gate from "../../host/Gate.ts"
import * as Gates from "../../host/Gates.ts"
import * as LoopMounts from "../../host/LoopMounts.ts"
import { dockerGates } from "./dockerGates.ts"

/** The engine of all tests. */
export class SharedEngine extends Context.Service<SharedEngine, DockerEngine.DockerEngine>()("vivarium/SharedEngine") {}

/** An engine with the tests' images. */
export const engine = Layer.effect(SharedEngine, Effect.tap(DockerEngine.make(), TestImages.load))

/** A host whose calls and files can be held. */
export class GatedHost extends Context.Service<GatedHost, {
  readonly config: DockerConfig
  readonly gates: Gates.Gates
}>()("vivarium/GatedHost") {}

const Inspected = Schema.Struct({ State: Schema.Struct({ Pid: Schema.Int }) })

/** An image that no engine has, and none can be asked for. */
const noImage = `sha256:${"0".repeat(64)}`

const image: Readonly<Record<Kind, string>> = {
  obedient: TestImages.reference("obedient"),
  deaf: TestImages.reference("deaf"),
  silent: TestImages.reference("deaf"),
  unlaunchable: TestImages.reference("broken"),
  imageless: noImage
}

const make = Effect.fnUntraced(function*() {
  const fs = yield* FileSystem.FileSystem
  const services = yield* Effect.context<ChildProcessSpawner.ChildProcessSpawner>()
  const engine = yield* SharedEngine
  const { http } = engine
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "cd-" })
  const node = stateDirectory.slice(stateDirectory.lastIndexOf("/") + 1)
  yield* fs.makeDirectory(`${stateDirectory}/volumes`)
  const config = DockerConfig.make({ stateDirectory, volumesDirectory: `${engine.shared}/${node}` })
  const relay = yield* EngineRelay.make(engine.socket, `${stateDirectory}/engine.sock`)
  const gates = yield* Gates.make

  const ask = <A>(effect: Effect.Effect<A, { readonly message: string }>): Effect.Effect<A> => Effect.orDie(effect)
  const nameOf = (id: InstanceId) => ContainerIdentity.nameOf(stateDirectory, id)
  const own = (id: InstanceId) => ask(Containers.all(http, ContainerIdentity.labelsFor(stateDirectory, id)))
  const running = (id: InstanceId) => Effect.map(own(id), (all) => all.filter(Containers.isRunning))
  const pidOf = (id: InstanceId) =>
    Effect.map(ask(http.read(Inspected, `/containers/${nameOf(id)}/json`)), ({ State }) => State.Pid)
  const logs = (id: InstanceId) => ask(http.done("GET", `/containers/${nameOf(id)}/logs?stdout=1&stderr=1`))
  const booted = (id: InstanceId) =>
    Gate.within(
      `the guest of ${id} is not ready`,
      logs(id).pipe(
        Effect.repeat({ until: (text) => text.includes(TestImages.ready), schedule: Schedule.spaced("5 millis") }),
        Effect.asVoid
      )
    )
  const order = Effect.fnUntraced(function*(id: InstanceId, words: string) {
    yield* booted(id)
    yield* Effect.orDie(fs.writeFileString(`/proc/${yield* pidOf(id)}/root/orders`, `${words}\n`))
  })
  const ended = (id: InstanceId) =>
    Gate.within(
      `the guest of ${id} does not end`,
      Effect.repeat(running(id), {
        until: (running) => running.length === 0,
        schedule: Schedule.spaced("5 millis")
      })
    )
  const volumePath = (id: VolumeId) => `${stateDirectory}/volumes/${id}.raw`

  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      yield* Containers.remove(http, [ContainerIdentity.ownership(stateDirectory)])
      yield* LoopMounts.unmountBelow(`${engine.shared}/${node}`)
      yield* Effect.ignore(fs.remove(`${engine.shared}/${node}`, { recursive: true }))
    })
  )

  const shape: Shape = {
    directory: (id) => `${stateDirectory}/instances/${id}`,
    kinds: ["obedient", "deaf", "imageless", "unlaunchable"],
    spec: (id, kind) =>
      Effect.orDie(
        Schema.decodeUnknownEffect(InstanceSpec)({
          id,
          virtualizer: "docker",
          memory: "64 MiB",
          boot: { kind: "container", image: image[kind] }
        })
      ),
    volume: Effect.fnUntraced(function*(id, kind) {
      const path = volumePath(id)
      if (kind === "sound") yield* Effect.orDie(exec("mke2fs", "-q", "-F", "-t", "ext2", path, "1M"))
      return { id, source: { _tag: "File", path, format: "raw" }, readOnly: false } as const
    }, Effect.provideContext(services)),
    consoleText: TestImages.ready,
    booted,
    // Nothing holds it at its end, as it would a virtual machine: a test that finds it running could not watch it a moment later.
    powerOff: (id) => Effect.andThen(order(id, "exit 0"), ended(id)),
    crash: Effect.fnUntraced(function*(id) {
      yield* Gate.signal(yield* pidOf(id), "SIGKILL")
      yield* ended(id)
    }),
    remains: Effect.fnUntraced(function*(id) {
      const volumes = volumesOf(config, id)
      return [
        ...(yield* own(id)).map(() => "container"),
        ...Fs.existsSync(volumes) ? ["directory of mounts", ...Fs.readdirSync(volumes)] : [],
        ...LoopMounts.all().filter(({ path }) => path.startsWith(`${volumes}/`)).map(({ path }) => `mount ${path}`),
        ...Fs.existsSync(`${stateDirectory}/instances/${id}`) ? ["instance directory"] : []
      ]
    }),
    guests: (id) => Effect.map(running(id), (running) => running.map(({ Id }) => `container ${Id}`)),
    disk: (id) => Effect.map(own(id), ([container]) => container?.Id),
    holders: (volume) =>
      Effect.sync(() =>
        LoopMounts.all().filter(({ file }) => file === volumePath(volume)).map(({ path }) => `mount ${path}`)
      ),
    gates: dockerGates({ gates, relay })
  }
  // Like the engine, it outlives launchers: a guest may be asked when its launcher is closed.
  const client = yield* Layer.build(EngineAccess.client(relay.socket, { callDeadline: "5 seconds" }))
  return Context.make(ConformanceHost, shape).pipe(Context.add(GatedHost, { config, gates }), Context.merge(client))
})

/** A host with a state directory of its own, whose containers are gone with it. */
export const layer = Layer.effectContext(make())

/** The virtualizer of one launcher on that host. */
export const virtualizer = Layer.unwrap(
  GatedHost.useSync(({ config, gates }) =>
    Layer.provide(DockerVirtualizer.layer(config), Layer.succeedContext(gates.services))
  )
)
