/**
 * A container on an engine of the demo's own, for the demo.
 */
import { Effect, FileSystem, Path, Schema } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as ContainerIdentity from "../../src/backend/docker/ContainerIdentity.ts"
import * as ProcFs from "../../src/backend/qemu/ProcFs.ts"
import * as DockerEngine from "../host/docker/DockerEngine.ts"
import * as TestImages from "../host/docker/TestImages.ts"
import { exec } from "../host/exec.ts"
import * as Inventory from "../host/Inventory.ts"
import { dataBytes, dataVolume, greeting, id, type Subject } from "./Subject.ts"

/** What the container says of its volumes, and when it is asked to end. */
const words = { volume: "VIVARIUM-VOLUME", asked: TestImages.asked }

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
#cloud-config
runcmd:
  - |
    trap 'echo ${words.asked}; exit 0' TERM
    echo ${greeting} $(hostname)
    volume=/volumes/${dataVolume}
    while :; do
      if [ -z "$seen" ] && [ -e $volume/text ]; then seen=yes; echo ${words.volume} + $(cat $volume/text); fi
      if [ -n "$seen" ] && [ ! -e $volume/text ]; then seen=; echo ${words.volume} -; fi
      sleep 0.1 & wait $!
    done
...
---
{"uuid": "${id}", "hostname": "demo"}
...
`

const Listed = Schema.Array(Schema.Struct({ Id: Schema.String }))
const Inspected = Schema.Struct({ State: Schema.Struct({ Pid: Schema.Int }) })

/** The demo's container, and an engine with its image. */
export const make = Effect.fnUntraced(function*(state: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const { http, shared, socket } = yield* Effect.tap(DockerEngine.make(), TestImages.load)
  yield* fs.makeDirectory(join(state, "volumes"))
  const owned = encodeURIComponent(JSON.stringify({ label: [ContainerIdentity.ownership(state)] }))
  const spawner = yield* Effect.context<ChildProcessSpawner.ChildProcessSpawner>()
  return {
    payload,
    launcherArguments: [socket, shared],
    boots: { name: "run its command", says: [greeting] },
    process: (handle) =>
      Effect.map(http.read(Inspected, `/containers/${handle}/json`), ({ State }) => ({
        pid: State.Pid,
        accelerator: null
      })),
    isAlive: (pid) =>
      Effect.sync(() => {
        const info = ProcFs.info(pid)
        return info !== undefined && !ProcFs.isDead(info)
      }),
    putData: Effect.fnUntraced(function*(text) {
      const content = join(state, "content")
      const file = join(state, "volumes", `${dataVolume}.raw`)
      yield* fs.makeDirectory(content)
      yield* fs.writeFileString(join(content, "text"), text)
      yield* exec("mke2fs", "-q", "-t", "ext2", "-d", content, file, `${dataBytes / 1024}k`)
    }, Effect.provideContext(spawner)),
    sees: (text) => `${words.volume} + ${text}`,
    misses: () => `${words.volume} -`,
    isAsked: { name: "ask it to end", says: words.asked, detail: "it heeded its stop signal and went" },
    console: http.done("GET", `/containers/${ContainerIdentity.nameOf(state, id)}/logs?stdout=1&stderr=1`),
    traces: Effect.gen(function*() {
      const containers = yield* http.read(Listed, `/containers/json?all=1&filters=${owned}`)
      const { mounts, processes } = yield* Inventory.take(`${shared}/`, state)
      return [
        ...containers.map(({ Id }) => `container ${Id}`),
        ...processes.filter((words) => words.includes(state)).map((words) => `process ${words}`),
        ...mounts.map((line) => `mount ${line}`)
      ]
    })
  } satisfies Subject
})
