/**
 * The unit that the daemon is run by.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const file = "systemd/vivd.service"

const settings = Effect.map(
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(file)),
  (text) =>
    new Map(
      text.split("\n").flatMap((line) => {
        const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
        return name === undefined ? [] : [[name, value] as const]
      })
    )
)

/** What must be so, for guests to outlive the daemon and for it to be known to be well. */
const needed = {
  Type: "notify",
  NotifyAccess: "all",
  KillMode: "process",
  Delegate: "yes",
  RuntimeDirectoryPreserve: "yes",
  Restart: "always"
}

/** What guests would inherit to their harm, or die of. */
const harmful = [
  "PrivateTmp",
  "PrivateDevices",
  "DevicePolicy",
  "MemoryDenyWriteExecute",
  "MemoryMax",
  "MemoryHigh",
  "TasksMax",
  "CPUQuota",
  "ProtectSystem",
  "ProtectHome",
  "PrivateNetwork",
  "NoNewPrivileges",
  "DynamicUser",
  "SystemCallFilter"
]

layer(NodeServices.layer)("the systemd unit", (it) => {
  it.effect("keeps guests when the service stops, and is watched", () =>
    Effect.gen(function*() {
      const said = yield* settings
      for (const [name, value] of Object.entries(needed)) assert.strictEqual(said.get(name), value, name)
      assert.isAbove(Number(said.get("WatchdogSec")), 0)
      assert.deepStrictEqual(harmful.filter((name) => said.has(name)), [])
    }))

  it.effect("is one that systemd takes", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
      const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-unit-" })
      const copy = `${directory}/vivd.service`
      yield* fs.copyFile(file, copy)
      const child = yield* spawner.spawn(ChildProcess.make("systemd-analyze", ["verify", "--man=no", copy]))
      const complaints = yield* Stream.mkString(Stream.decodeText(child.stderr))
      // Units of this machine that it looks at beside ours are not our concern.
      assert.deepStrictEqual(complaints.split("\n").filter((line) => line.includes("vivd.service")), [])
      assert.strictEqual(Number(yield* child.exitCode), 0, complaints)
    }))
})
