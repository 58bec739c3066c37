/**
 * A virtual machine, for the demo.
 */
import { Effect, FileSystem, Path } from "effect"
import * as QemuDirectory from "../../src/backend/qemu/QemuDirectory.ts"
import { VolumeId } from "../../src/domain/Volume.ts"
import * as TinyGuest from "../guest/TinyGuest.ts"
import * as Traces from "../host/Traces.ts"
import * as Node from "./Node.ts"
import { dataBytes, dataVolume, greeting, id, type Subject } from "./Subject.ts"

const bootVolume = VolumeId.make("demo-system")

const payload = `---
start:
  instance_uuid: ${id}
  tenant_uuid: 67d86208-000-4465-9018-fe14087d415f
  vm_type: qemu
  fw_type: legacy
  requirements:
    vcpus: 1
    mem_mb: 160
  networking:
    vnic_mac: 02:00:e6:f5:af:f9
    private_ip: 192.168.8.2
    subnet: 192.168.8.0/21
  storage:
    - id: ${bootVolume}
      boot: true
...
---
#cloud-config
runcmd:
  - echo ${greeting} $(hostname)
...
---
{"uuid": "${id}", "hostname": "demo"}
...
`

/** The demo's virtual machine, with the volume it boots from. */
export const make = Effect.fnUntraced(function*(state: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const services = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const volume = (name: VolumeId) => join(state, "volumes", `${name}.raw`)
  const { bootDisk } = yield* TinyGuest.ensure
  yield* fs.makeDirectory(join(state, "volumes"), { mode: 0o711 })
  yield* fs.copyFile(bootDisk, volume(bootVolume))
  const processes = Effect.provideContext(Traces.processes(state), services)
  return {
    payload,
    launcherArguments: [],
    boots: { name: "boot Linux from its volume", says: [greeting, TinyGuest.ready] },
    process: Effect.fnUntraced(function*(handle) {
      const pid = Number(/\d+/.exec(handle)?.[0])
      const commandLine = (yield* fs.readFileString(`/proc/${pid}/cmdline`)).split("\0")
      return { pid, accelerator: commandLine[commandLine.indexOf("-accel") + 1]?.split(",")[0] ?? "unknown" }
    }),
    isAlive: (pid) => Effect.map(processes, (pids) => pids.includes(pid)),
    putData: (text) => fs.writeFileString(volume(dataVolume), text.padEnd(dataBytes, "\n")),
    sees: (text) => `serial=${dataVolume} bytes=${dataBytes} head=${text}`,
    // VIVARIUM-DISK + NAME …
    misses: (seen) => `VIVARIUM-DISK - ${seen.split(" ")[2] ?? ""}`,
    isAsked: {
      name: "ask it to power down",
      says: TinyGuest.powerButton,
      detail: "it saw its power button and went"
    },
    console: fs.readFileString(QemuDirectory.make(Node.config(state), `${state}/instances/${id}`).consoleLog),
    traces: Effect.map(processes, (pids) => pids.map((pid) => `process ${pid}`))
  } satisfies Subject
})
