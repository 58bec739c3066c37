/**
 * A launcher may be killed in the middle of every call to its engine: the next one on its state directory goes on with what was
 * asked for.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Schedule } from "effect"
import * as ContainerIdentity from "../../../src/backend/docker/ContainerIdentity.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import * as LauncherProcess from "../../demo/LauncherProcess.ts"
import * as Containers from "../../host/docker/Containers.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineRelay from "../../host/docker/EngineRelay.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as DockerNode from "./DockerNode.ts"

const id = InstanceId.make("67d86208-b46c-4465-9018-fe14287d415f")

const payload = `---
start:
  instance_uuid: ${id}
  tenant_uuid: 67d86208-000-4465-9018-fe14087d415f
  vm_type: docker
  docker_image: ${TestImages.reference("obedient")}
  requirements:
    vcpus: 1
    mem_mb: 64
...
---
{}
...
---
{"uuid": "${id}", "hostname": "guest"}
...
`

interface Point {
  readonly command: "Delete" | "Start"
  readonly side: EngineRelay.Side
  /** NAME is the container's. */
  readonly call: string
  /** What there is when the next launcher has come to rest. */
  readonly afterwards: { readonly instances: ReadonlyArray<string>; readonly containers: ReadonlyArray<string> }
}

const runs = { instances: ["Running"], containers: ["running"] }
const none = { instances: [], containers: [] }

const points: ReadonlyArray<Point> = [
  { command: "Start", side: "after", call: "POST .*/containers/create.*NAME", afterwards: runs },
  { command: "Start", side: "after", call: "POST .*/containers/[0-9a-f]{64}/start", afterwards: runs },
  { command: "Delete", side: "after", call: "DELETE .*/containers/[0-9a-f]{64}", afterwards: none }
]

layer(NodeServices.layer, { excludeTestServices: true })("a launcher that is killed", (it) => {
  it.effect("leaves containers that the next one goes on with", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const engine = yield* DockerEngine.make()
      yield* TestImages.load(engine)
      const containers = Containers.all(engine.http)
      for (const { afterwards, call, command, side } of points) {
        const name = `${command} ${side} ${call}`
        yield* Effect.scoped(Effect.gen(function*() {
          const state = yield* fs.makeTempDirectoryScoped({ prefix: "lk-" })
          const relay = yield* EngineRelay.make(engine.socket, `${state}/engine.sock`)
          const gate = relay.hold(
            side,
            new RegExp(`^${call.replace("NAME", ContainerIdentity.nameOf(state, id))}`)
          )
          const start = { _tag: "Start", payload } as const
          yield* Effect.scoped(Effect.gen(function*() {
            const launcher = yield* LauncherProcess.make(state, [relay.socket, engine.shared])
            if (command !== "Start") yield* launcher.ask(start, "Done")
            yield* Effect.forkScoped(Effect.exit(
              launcher.ask(command === "Start" ? start : { _tag: command, id }, "Done")
            ))
            yield* gate.reached
            yield* launcher.kill
            yield* gate.open
          }))
          const launcher = yield* DockerNode.launcherOn(state, relay.socket, engine)
          const seen = Effect.gen(function*() {
            return {
              instances: (yield* launcher.list).map(({ state }) => state._tag),
              containers: (yield* containers).map(({ State }) => State)
            }
          })
          const settled = yield* seen.pipe(
            Effect.repeat({
              until: (seen) => JSON.stringify(seen) === JSON.stringify(afterwards),
              schedule: Schedule.spaced("20 millis")
            }),
            Effect.timeout("20 seconds"),
            Effect.exit
          )
          assert.deepStrictEqual(Exit.isSuccess(settled) ? settled.value : yield* seen, afterwards, name)
          if (afterwards !== none) yield* launcher.delete(id)
          assert.deepStrictEqual(yield* containers, [], name)
        }))
      }
    }))
})
