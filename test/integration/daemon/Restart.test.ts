/**
 * What is seen of a daemon that goes and comes back: by those who follow it, and by who looks after the node.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { inject } from "vitest"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { killGuests } from "../../host/killGuests.ts"
import * as Programs from "../../host/Programs.ts"
import * as VivRig from "../cli/VivRig.ts"
import * as Rig from "./Rig.ts"

/** viv, at a daemon, in a process of its own. */
const start = Effect.fnUntraced(function*(socket: string, ...args: ReadonlyArray<string>) {
  const { environment, viv } = yield* Programs.Programs
  return yield* VivRig.spawn(process.execPath, [viv, ...args, "--socket", socket], {
    PATH: process.env["PATH"] ?? "",
    ...environment
  })
})

const viv = (socket: string, ...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.flatMap(start(socket, ...args), ({ ended }) => ended))

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("a daemon that comes back", (it) => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it.effect(`is followed on by viv events -f after ${signal}, which tells that it was away`, () =>
      Effect.gen(function*() {
        const directory = yield* Rig.directory
        const first = yield* Rig.start(directory, "--simulate", "true")
        const { socket } = first
        assert.strictEqual((yield* Rig.at(first)("/v1/instances", ...Rig.post(Rig.simulated("a1")))).status, 201)
        const follower = yield* start(socket, "events", "-f", "--json")
        // It follows from some moment on: it is seen to.
        const nudge = Effect.andThen(
          viv(socket, "pause", "a1"),
          viv(socket, "resume", "a1")
        )
        yield* Effect.raceFirst(Effect.forever(nudge), follower.says("\"Paused\""))
        yield* first.kill(signal)
        yield* first.exit
        yield* follower.says("can not be reached")
        const second = yield* Rig.start(directory, "--simulate", "true")
        // What happened meanwhile was told to nobody.
        yield* follower.says("events were missed")
        yield* Rig.at(second)("/v1/instances/a1", "--request", "DELETE")
        yield* follower.says("\"Deleted\"")
        yield* follower.interrupt
        const { status, stdout } = yield* follower.ended
        assert.strictEqual(status, 130)
        const events = stdout.trim().split("\n").map((line) =>
          JSON.parse(line) as { readonly incarnation: number; readonly sequence: number }
        )
        const positions = events.map(({ incarnation, sequence }) => incarnation * 1e6 + sequence)
        assert.deepStrictEqual(positions, [...new Set(positions)].sort((a, b) => a - b))
        assert.deepStrictEqual([...new Set(events.map(({ incarnation }) => incarnation))], [1, 2])
      }))
  }

  it.effect("tells of a guest that it has no record of, which viv orphans rm ends", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { join } = yield* Path.Path
      const directory = yield* Rig.directory
      const state = join(directory, "state")
      yield* killGuests(state)
      const { commandLine, initrd, kernel } = yield* TinyGuest.copyTo(directory)
      const config = join(directory, "vivd.yaml")
      yield* fs.writeFileString(
        config,
        JSON.stringify({
          qemu: { roots: [directory], accelerator: "tcg", runtimeDirectory: join(directory, "run") },
          launcher: { limits: { memory: null, disk: null } }
        })
      )
      const first = yield* Rig.start(state, "--config", config)
      const spec = { id: "ab-01", memory: "96 MiB", boot: { kind: "kernel", kernel, initrd, commandLine } }
      const created = yield* Rig.at(first)("/v1/instances", ...Rig.post(JSON.stringify(spec)))
      assert.strictEqual(created.status, 201, created.body)
      yield* first.kill("SIGTERM")
      assert.strictEqual(yield* first.exit, 0)
      const running = yield* QemuDiscovery.scan(state)
      assert.lengthOf(running, 1)
      yield* fs.remove(join(state, "records/ab-01.json"))

      const { socket } = yield* Rig.start(state, "--config", config)
      assert.match((yield* viv(socket, "orphans", "ls")).stdout, /^ab-01 +a guest that runs +qemu +\S/m)
      assert.strictEqual((yield* viv(socket, "show", "ab-01")).status, 3)
      assert.deepStrictEqual(yield* QemuDiscovery.scan(state), running)
      const removed = yield* viv(socket, "orphans", "rm", "ab-01")
      assert.deepStrictEqual([removed.status, removed.stdout], [0, "orphan ab-01 is removed\n"])
      assert.deepStrictEqual(yield* QemuDiscovery.scan(state), [])
      assert.strictEqual((yield* viv(socket, "orphans", "ls", "-q")).stdout, "")
      assert.isFalse(yield* fs.exists(join(state, "instances/ab-01")))
      assert.strictEqual((yield* viv(socket, "orphans", "rm", "ab-01")).status, 3)
    }))
})
