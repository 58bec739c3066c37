/**
 * A launcher whose disk is full, or may only be read, for as long as that lasts.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { readFileSync } from "node:fs"
import { exec } from "../../host/exec.ts"
import * as Ground from "./Ground.ts"
import * as LauncherProcess from "./LauncherProcess.ts"
import * as Operation from "./Operation.ts"
import type { Command } from "./Protocol.ts"

/** Fills a file system to its last byte. Answers what makes room again. */
const fill = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = `${directory}/volumes/full`
  for (const bytes of [1 << 20, 1 << 12]) {
    const block = new Uint8Array(bytes)
    yield* fs.writeFile(path, block, { flag: "a" }).pipe(Effect.forever, Effect.flip)
  }
  return fs.remove(path)
})

/** What is asked of a launcher on a bad disk: of an instance that runs, one that is stopped, and one that is not there. */
const commands = (ground: Ground.Ground): ReadonlyArray<Command> => {
  const [running = Ground.id, stopped = Ground.id] = Ground.bystanders
  return [
    { _tag: "Start", spec: Operation.seeded(ground) },
    { _tag: "Start", spec: Operation.firmware(stopped, ground) },
    { _tag: "Stop", id: running },
    { _tag: "Delete", id: running },
    { _tag: "Delete", id: stopped },
    { _tag: "Pause", id: running },
    { _tag: "Attach", id: running, volume: Ground.volume },
    { _tag: "Attach", id: stopped, volume: Ground.volume }
  ]
}

/** Asks for everything while the disk is bad, and again once it is good. */
const endure = Effect.fnUntraced(function*<E, R>(
  ground: Ground.Ground,
  words: RegExp,
  spoil: Effect.Effect<Effect.Effect<void, E, R>, E, R>
) {
  const [running = Ground.id, stopped = Ground.id] = Ground.bystanders
  const launcher = yield* LauncherProcess.make(ground.stateDirectory)
  yield* Operation.startBystanders(launcher, ground)
  yield* Operation.demand(launcher, { _tag: "Stop", id: stopped })
  const guests = yield* Ground.guests(ground)
  const records = () =>
    [running, stopped].map((id) => readFileSync(`${ground.stateDirectory}/records/${id}.json`, "utf8"))
  const before = records()
  const mend = yield* spoil

  for (const command of commands(ground)) {
    const answer = yield* launcher.ask(command)
    if (answer._tag !== "Failed") return assert.fail(`${command._tag} was answered ${answer._tag}`)
    assert.strictEqual(answer.code, "state_failure")
    assert.match(answer.message, words)
  }
  assert.deepStrictEqual(
    (yield* launcher.list).map(({ id, state, volumes }) => [id, state._tag, volumes.length]),
    [[running, "Running", 0], [stopped, "Stopped", 0]]
  )
  assert.deepStrictEqual(yield* Ground.guests(ground), guests)
  assert.deepStrictEqual(records(), before)

  yield* mend
  const [start, again, stop] = commands(ground)
  for (const command of [start, again, stop]) if (command !== undefined) yield* Operation.demand(launcher, command)
  assert.deepStrictEqual(
    (yield* launcher.list).map(({ id, state }) => [id, state._tag]),
    [[running, "Stopped"], [stopped, "Running"], [Ground.id, "Running"]]
  )
  yield* Effect.forEach([...Ground.bystanders, Ground.id], (id) => Operation.demand(launcher, { _tag: "Delete", id }))
  return yield* Ground.awaitClean(ground, [], launcher.pid)
}, Effect.scoped)

layer(NodeServices.layer, { excludeTestServices: true })("a launcher", (it) => {
  describe("whose disk is full", () => {
    it.effect("refuses everything with what to do, keeps what it has, and does it once there is room", () =>
      Effect.gen(function*() {
        const ground = yield* Ground.make({ mount: { on: "/", options: "size=48m,mode=711" } })
        assert.deepStrictEqual(yield* endure(ground, /no space left.*free some/, fill(ground.stateDirectory)), [])
      }))
  })

  describe("whose records may only be read", () => {
    it.effect("refuses everything with what to do, keeps what it has, and does it once they can be written", () =>
      Effect.gen(function*() {
        const ground = yield* Ground.make({ mount: { on: "/records", options: "mode=700" } })
        const remount = (how: string) => exec("mount", "-o", `remount,${how}`, `${ground.stateDirectory}/records`)
        const spoil = Effect.as(remount("ro"), remount("rw"))
        assert.deepStrictEqual(yield* endure(ground, /read-only file system.*remount/, spoil), [])
      }))
  })
})
