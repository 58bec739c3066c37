/**
 * A node of this host with a Docker Engine that other nodes have, too, on a state directory of its own. With the scope, nothing is
 * left of it.
 */
import * as Fs from "node:fs"
import type { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer, type Scope } from "effect"
import * as ContainerIdentity from "../../../src/backend/docker/ContainerIdentity.ts"
import { DockerConfig, volumesOf } from "../../../src/backend/docker/DockerConfig.ts"
import * as DockerVirtualizer from "../../../src/backend/docker/DockerVirtualizer.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import * as Containers from "../../host/docker/Containers.ts"
import type { DockerEngine } from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import { exec } from "../../host/exec.ts"
import * as Gate from "../../host/Gate.ts"
import { instances, volumes } from "./Act.ts"
import * as Launchers from "./Launchers.ts"
import * as Specs from "./Specs.ts"
import type { World } from "./World.ts"

/** A node whose guests do as they are told, or do not heed their stop signal. */
export const make = Effect.fnUntraced(function*(
  engine: DockerEngine,
  { deaf }: { readonly deaf: boolean }
): Effect.fn.Return<World, never, NodeServices.NodeServices | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const { http, shared } = engine
  const stateDirectory = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "same-" }))
  const volumesDirectory = `${shared}/${stateDirectory.slice(stateDirectory.lastIndexOf("/") + 1)}`
  const config = DockerConfig.make({ stateDirectory, volumesDirectory })
  yield* Effect.orDie(fs.makeDirectory(`${stateDirectory}/volumes`))
  for (const id of volumes) {
    yield* Effect.orDie(exec("mke2fs", "-q", "-t", "ext2", `${stateDirectory}/volumes/${id}.raw`, "256k"))
  }
  const launchers = yield* Launchers.make(
    stateDirectory,
    DockerVirtualizer.layer(config).pipe(Layer.provide(EngineAccess.client(engine.socket)))
  )

  yield* Effect.addFinalizer(() => Containers.remove(http, [ContainerIdentity.ownership(stateDirectory)]))
  const containers = (id: InstanceId) =>
    Effect.orDie(Containers.all(http, ContainerIdentity.labelsFor(stateDirectory, id)))
  const nameOf = (id: InstanceId) => ContainerIdentity.nameOf(stateDirectory, id)
  const logs = (id: InstanceId) => Effect.orDie(http.done("GET", `/containers/${nameOf(id)}/logs?stdout=1`))
  const booted = (id: InstanceId) =>
    Gate.within(
      `${id} does not begin`,
      Effect.asVoid(Effect.repeat(logs(id), { until: (text) => text.includes(TestImages.ready) }))
    )
  const isMounted = (path: string) =>
    Fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").some((line) => line.split(" ")[4] === path)
  const end = (id: InstanceId) => Effect.ignore(http.request("POST", `/containers/${nameOf(id)}/kill?signal=USR2`))

  return {
    ...launchers,
    spec: (id) =>
      InstanceSpec.make({
        ...Specs.fields(id, deaf),
        virtualizer: "docker",
        boot: { kind: "container", image: TestImages.reference(deaf ? "deaf" : "obedient") }
      }),
    powerOff: (id) => Effect.andThen(booted(id), end(id)),
    // A container has no kernel of its own.
    panic: () => Effect.die("containers do not panic"),
    reboot: () => Effect.die("containers do not reboot"),
    kill: (id) => Effect.ignore(http.request("POST", `/containers/${nameOf(id)}/kill`)),
    guests: Effect.map(
      Effect.forEach(
        instances.toSorted(),
        (id) =>
          Effect.map(containers(id), (all) =>
            all.filter(Containers.isRunning).map(() => ({
              id,
              volumes: volumes.filter((volume) => isMounted(`${volumesOf(config, id)}/${volume}`))
            })))
      ),
      (guests) => guests.flat()
    ),
    booted,
    isLeft: (id) =>
      Effect.map(containers(id), (all) =>
        all.length > 0 ||
        Fs.existsSync(`${stateDirectory}/instances/${id}`) || Fs.existsSync(volumesOf(config, id)))
  }
})
