/**
 * Random commands from several clients, on a host where everything can fail, hang or die, with launchers that come and go. In
 * the end nothing fails any more, and all must be as desired.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, type Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import { type InstanceState, moves } from "../../src/domain/InstanceState.ts"
import { StoreError } from "../../src/launcher/InstanceStore.ts"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../src/launcher/LauncherError.ts"
import {
  AttachFailed,
  DetachFailed,
  HostFailure,
  LaunchFailed,
  type Reason,
  Unreachable
} from "../../src/VirtualizerError.ts"
import { Dice } from "../../src/internal/Dice.ts"
import { failing, type Point, type Script } from "./ScriptedVirtualizer.ts"
import { beside, id, settle, spec, TestNode, volume } from "./TestNode.ts"

const ids = ["a1", "b2", "c3"].map(id)

const reasons = (point: Point): Reason => {
  switch (point) {
    case "launch":
    case "launched":
      return new LaunchFailed({ detail: "scripted" })
    case "attach":
      return new AttachFailed({ volume: volume("one"), detail: "scripted" })
    case "detach":
      return new DetachFailed({ volume: volume("one"), detail: "scripted" })
    case "probe":
    case "monitor":
    case "status":
    case "stop":
      return new Unreachable({ detail: "scripted" })
    default:
      return new HostFailure({ detail: "scripted" })
  }
}

const points: ReadonlyArray<Point> = [
  "probe",
  "image",
  "create",
  "created",
  "launch",
  "launched",
  "monitor",
  "connect",
  "status",
  "stop",
  "kill",
  "pause",
  "resume",
  "attach",
  "detach",
  "deleteImage"
]

const mischief = (dice: Dice, point: Point): Script =>
  Effect.suspend(() => {
    const roll = dice.below(100)
    if (roll < 60) return Effect.void
    if (roll < 85) return Effect.sleep(dice.below(2_000))
    if (roll < 94) return point === "connect" ? Effect.never : failing(reasons(point))
    if (roll < 97) return Effect.never
    return Effect.die("scripted")
  })

const run = (seed: number, length: number) =>
  Effect.gen(function*() {
    const dice = new Dice(seed)
    const node = new TestNode()
    const { disk, world } = node
    let isRough = true
    for (const point of points) world.always(point, mischief(dice, point))
    node.wrapStore = (store) => ({
      ...store,
      put: (record) =>
        Effect.suspend(() => {
          const roll = isRough ? dice.below(100) : 0
          if (roll < 80) return store.put(record)
          if (roll < 90) return Effect.andThen(Effect.sleep(dice.below(1_000)), store.put(record))
          return roll < 99 ? Effect.fail(new StoreError({ message: "scripted" })) : Effect.never
        })
    })
    const complaints: Array<string> = []
    const complain = (text: string) => complaints.push(`seed ${seed}: ${text}`)

    const open = Effect.gen(function*() {
      const fiber = yield* beside(node.open({
        commandDeadline: Duration.minutes(10),
        imageDeadline: Duration.seconds(5),
        createDeadline: Duration.seconds(5),
        launchDeadline: Duration.seconds(5),
        connectDeadline: Duration.seconds(5)
      }))
      yield* TestClock.adjust("3 seconds")
      const opened = yield* Fiber.join(fiber)
      const states = new Map<InstanceId, InstanceState>()
      yield* beside(Stream.runForEach(opened.launcher.changes, (entry) =>
        Effect.sync(() => {
          if (entry._tag === "Lagged") return complain("it lagged")
          if (entry._tag === "Snapshot") return entry.instances.forEach(({ spec, state }) => states.set(spec.id, state))
          const { change, id } = entry.event
          if (change._tag === "Deleted") return states.delete(id)
          if (change._tag === "Added") return states.set(id, change.instance.state)
          if (change._tag !== "StateChanged") return
          const before = states.get(id)
          if (
            before !== undefined && before._tag !== change.state._tag && !moves[before._tag].includes(change.state._tag)
          ) {
            complain(`${id} went from ${before._tag} to ${change.state._tag}`)
          }
          states.set(id, change.state)
        })))
      return { ...opened, states }
    })

    let current = yield* open
    /** A launcher that is writing a record ends that first. */
    const close = Effect.gen(function*() {
      const closing = yield* beside(current.close)
      yield* TestClock.adjust("10 seconds")
      if (closing.pollUnsafe() === undefined) complain("the launcher did not close")
      yield* Fiber.join(closing)
    })
    const clients: Array<Fiber.Fiber<Exit.Exit<unknown, LauncherError>>> = []
    const check = () => {
      for (const [id, { machine }] of world.places) {
        if (machine !== undefined && !disk.records.has(id)) complain(`${id} has a guest and no record`)
      }
    }

    const command = (launcher: Launcher["Service"]): Effect.Effect<unknown, LauncherError> => {
      const target = dice.one("a1", "a1", "b2", "c3")
      const it = id(target)
      const one = { id: dice.one("one", "two") === "one" ? volume("one") : volume("two") }
      switch (dice.below(10)) {
        case 0:
        case 1:
        case 2:
        case 3:
          return launcher.start(spec(target))
        case 4:
          return launcher.stop(it)
        case 5:
          return Effect.tap(launcher.delete(it), () =>
            Effect.sync(() => {
              if (!world.isClean(it) || disk.records.has(it)) complain(`${it} was deleted, and is still there`)
            }))
        case 6:
          return launcher.pause(it)
        case 7:
          return launcher.resume(it)
        case 8:
          return launcher.attach(it, one)
        default:
          return launcher.detach(it, one.id)
      }
    }

    for (let turn = 0; turn < length; turn++) {
      const roll = dice.below(100)
      if (roll < 60) clients.push(yield* beside(Effect.exit(command(current.launcher))))
      else if (roll < 70) {
        const client = clients[dice.below(clients.length)]
        if (client !== undefined) yield* beside(Fiber.interrupt(client))
      } else if (roll < 75) world.exit(ids[dice.below(3)], { _tag: "PoweredOff" })
      else if (roll < 80) world.reachable(ids[dice.below(3)], dice.below(2) === 0)
      else if (roll < 84) world.emit(ids[dice.below(3)], dice.one({ _tag: "Paused" }, { _tag: "Rebooted" }))
      else if (roll < 88) {
        yield* close
        for (const [id, { machine }] of world.places) {
          if (machine?.watcher !== undefined) complain(`${id} is still watched`)
        }
        current = yield* open
      }
      yield* TestClock.adjust(dice.one(0, 1, 100, 1_000, 3_000))
      check()
    }

    isRough = false
    world.calm()
    for (const it of ids) world.reachable(it, true)
    yield* TestClock.adjust("20 minutes")
    for (const it of ids) world.emit(it, { _tag: "Resumed" })
    yield* TestClock.adjust("1 minute")
    // Followers hear of what happened last.
    yield* settle
    check()
    for (const client of clients) if (client.pollUnsafe() === undefined) complain("a command was not answered")
    const list = yield* current.launcher.list
    for (const it of ids) {
      const info = list.find(({ spec }) => spec.id === it)
      const text = disk.records.get(it)
      if ((info === undefined) !== (text === undefined)) complain(`${it} is on record and not listed, or listed only`)
      if (info === undefined || text === undefined) {
        if (!world.isClean(it)) complain(`${it} left something: ${JSON.stringify(world.places.get(it))}`)
        continue
      }
      if (current.states.get(it)?._tag !== info.state._tag) complain(`${it}: its events say something else`)
      const { desired }: { desired: { power: string } } = JSON.parse(text)
      const machine = world.machine(it)
      const want =
        { running: ["Running"], paused: ["Paused", "Running"], stopped: ["Stopped", "Exited", "Failed"] }[desired.power]
      if (want === undefined || !want.includes(info.state._tag)) {
        complain(`${it} is wanted ${desired.power}, is ${info.state._tag}`)
      }
      if ((machine !== undefined) !== (desired.power !== "stopped")) {
        complain(`${it} is wanted ${desired.power}, guest: ${machine?.pid}`)
      }
      if (machine !== undefined) {
        assert.sameMembers([...machine.volumes], info.volumes.map((one) => one.id))
      }
    }
    yield* close
    complaints.push(...world.violations.map((violation) => `seed ${seed}: ${violation}`))
    return complaints
  }).pipe(Effect.provide(TestClock.layer(), { local: true }))

describe("a launcher under random commands and faults", () => {
  it.live("keeps what it says", () =>
    Effect.gen(function*() {
      const all: Array<string> = []
      for (let seed = 1; seed <= 40; seed++) all.push(...yield* run(seed, 120))
      assert.deepStrictEqual(all, [])
    }), 60_000)
})
