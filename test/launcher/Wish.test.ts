import { assert, describe, it } from "@effect/vitest"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import { fresh } from "../../src/launcher/Situation.ts"
import { type Command, revert, supersedes, wish } from "../../src/launcher/Wish.ts"
import { disk, observations, type Power, record } from "./situations.ts"
import { spec, volume } from "./TestNode.ts"

const able = { pause: true, liveVolumes: true }
const part = { epoch: 2, owns: true, granted: false }
const commands: ReadonlyArray<Command> = [
  { _tag: "Start" },
  { _tag: "Restart" },
  { _tag: "Stop" },
  { _tag: "Delete" },
  { _tag: "Pause" },
  { _tag: "Resume" },
  { _tag: "Attach", volume: disk },
  { _tag: "Detach", volume: disk.id },
  { _tag: "Withdraw", start: part }
]

/** What a command comes to: the desired state in short, a refusal, `later`, or `same`. */
const outcome = (command: Command, power: Power, observation: string, has: boolean): string => {
  const before = record({ desired: { power, volumes: has ? [disk] : [] } })
  const observed = observations[observation]
  if (observed === undefined) throw new Error(observation)
  const result = wish(command, { observed, record: before }, able)
  if (result._tag === "Later") return "later"
  if (result._tag === "Refuse") return result.reason._tag
  const { desired } = result
  if (desired === before.desired) return "same"
  return [desired.power, desired.epoch, ...desired.volumes.map(({ id }) => id)].join(" ")
}

/** Command → desired running, paused, stopped (a guest is there), stopped (none is), deleted; without and with the volume. */
const table: Readonly<Record<string, ReadonlyArray<readonly [string, string, string, string, string]>>> = {
  Start: [["same", "same", "later", "running 3", "NoInstance"], [
    "same",
    "same",
    "later",
    "running 3 disk",
    "NoInstance"
  ]],
  Restart: [["running 3", "running 3", "later", "running 3", "NoInstance"], [
    "running 3 disk",
    "running 3 disk",
    "later",
    "running 3 disk",
    "NoInstance"
  ]],
  Stop: [["stopped 2", "stopped 2", "same", "same", "NoInstance"], [
    "stopped 2 disk",
    "stopped 2 disk",
    "same",
    "same",
    "NoInstance"
  ]],
  Delete: [["deleted 2", "deleted 2", "deleted 2", "deleted 2", "same"], [
    "deleted 2 disk",
    "deleted 2 disk",
    "deleted 2 disk",
    "deleted 2 disk",
    "same"
  ]],
  Pause: [["paused 2", "same", "later", "InstanceFailure", "NoInstance"], [
    "paused 2 disk",
    "same",
    "later",
    "InstanceFailure",
    "NoInstance"
  ]],
  Resume: [["same", "running 2", "later", "InstanceFailure", "NoInstance"], [
    "same",
    "running 2 disk",
    "later",
    "InstanceFailure",
    "NoInstance"
  ]],
  Attach: [["running 2 disk", "paused 2 disk", "later", "stopped 2 disk", "NoInstance"], [
    "same",
    "same",
    "later",
    "same",
    "NoInstance"
  ]],
  Detach: [["same", "same", "later", "same", "NoInstance"], [
    "running 2",
    "paused 2",
    "later",
    "stopped 2",
    "NoInstance"
  ]],
  Withdraw: [["stopped 2", "stopped 2", "same", "same", "same"], [
    "stopped 2 disk",
    "stopped 2 disk",
    "same",
    "same",
    "same"
  ]]
}

describe("wish", () => {
  it("every command × every power, with a guest and without", () => {
    assert.sameMembers(Object.keys(table), commands.map(({ _tag }) => _tag))
    for (const command of commands) {
      for (const has of [false, true]) {
        const row = [
          outcome(command, "running", "Running", has),
          outcome(command, "paused", "Running, paused", has),
          outcome(command, "stopped", "Running", has),
          outcome(command, "stopped", "Created", has),
          outcome(command, "deleted", "Created", has)
        ]
        assert.deepStrictEqual(row, [...table[command._tag]?.[has ? 1 : 0] ?? []], `${command._tag} ${has}`)
      }
    }
  })

  it("a first start waits for nothing, and is the first", () => {
    const result = wish({ _tag: "Start" }, fresh(initial(spec("a1"))), able)
    assert.isTrue(result._tag === "Desire" && result.desired.power === "running" && result.desired.epoch === 1)
  })

  it("what turned out to be another's is no instance, whatever is asked of it", () => {
    for (const command of commands) {
      const expected = command._tag === "Withdraw" ? "same" : "NoInstance"
      assert.strictEqual(outcome(command, "running", "Foreign", false), expected, command._tag)
    }
  })

  it("a stopped instance whose guest may be there is waited for", () => {
    for (const name of ["to be looked at", "silent, to be looked at", "Launched"]) {
      assert.strictEqual(outcome({ _tag: "Start" }, "stopped", name, false), "later")
    }
  })

  it("what a virtualizer can not do is refused, but of a stopped instance volumes can always change", () => {
    const unable = { pause: false, liveVolumes: false }
    const running = { observed: observations.Running ?? { _tag: "Absent" as const }, record: record() }
    const stopped = { observed: { _tag: "Created" as const }, record: record({ desired: { power: "stopped" } }) }
    for (const _tag of ["Pause", "Resume"] as const) {
      const result = wish({ _tag }, running, unable)
      assert.isTrue(result._tag === "Refuse" && result.reason._tag === "NotSupported")
    }
    const attach = wish({ _tag: "Attach", volume: disk }, running, unable)
    assert.isTrue(attach._tag === "Refuse" && attach.reason._tag === "NotSupported")
    assert.strictEqual(wish({ _tag: "Attach", volume: disk }, stopped, unable)._tag, "Desire")
  })

  it("a withdrawn first start is deleted, a later one stopped, another's left alone", () => {
    const observed = { _tag: "Created" as const }
    const withdrawn = (epoch: number, of: number, boot: number) => {
      const before = record({ boot, desired: { epoch: of } })
      const result = wish({ _tag: "Withdraw", start: { ...part, epoch } }, { observed, record: before }, able)
      return result._tag === "Desire" ? result.desired.power : result._tag
    }
    assert.strictEqual(withdrawn(1, 1, 0), "deleted")
    assert.strictEqual(withdrawn(1, 1, 1), "deleted")
    assert.strictEqual(withdrawn(2, 2, 1), "stopped")
    assert.strictEqual(withdrawn(2, 2, 0), "stopped")
    assert.strictEqual(withdrawn(1, 2, 1), "running")
  })

  it("a first start that its restart policy made another is a first start still", () => {
    const before = record({ boot: 2, desired: { epoch: 3, restarts: 2 } })
    const result = wish(
      { _tag: "Withdraw", start: { ...part, epoch: 3 } },
      { observed: { _tag: "Created" }, record: before },
      able
    )
    assert.isTrue(result._tag === "Desire" && result.desired.power === "deleted")
  })

  it("a start or a restart does not wait until the restart policy would have it", () => {
    const waiting = { epoch: 3, restarts: 2, notBeforeMillis: 99_000 }
    for (const _tag of ["Start", "Restart"] as const) {
      const result = wish({ _tag }, { observed: { _tag: "Created" }, record: record({ desired: waiting }) }, able)
      assert.isTrue(result._tag === "Desire")
      if (result._tag !== "Desire") continue
      const { epoch, notBeforeMillis, power, restarts } = result.desired
      assert.deepStrictEqual({ epoch, notBeforeMillis, power, restarts }, {
        epoch: 3,
        notBeforeMillis: 0,
        power: "running",
        restarts: 2
      })
    }
  })

  it("a restart joins a start that is yet to be launched, and has it run", () => {
    const of = (power: Power) =>
      wish(
        { _tag: "Restart" },
        { observed: { _tag: "Created" }, record: record({ desired: { epoch: 3, power } }) },
        able
      )
    const joined = of("running")
    assert.isTrue(joined._tag === "Desire" && joined.desired.epoch === 3)
    const paused = of("paused")
    assert.isTrue(paused._tag === "Desire" && paused.desired.epoch === 3 && paused.desired.power === "running")
  })
})

describe("supersedes", () => {
  const taking = (newer: Command) =>
    commands.filter((older) => supersedes(newer, older) !== undefined).map(({ _tag }) => _tag)

  it("the stronger takes over from the weaker, and an opposite from its opposite", () => {
    assert.deepStrictEqual(taking({ _tag: "Start" }), [])
    assert.deepStrictEqual(taking({ _tag: "Withdraw", start: part }), [])
    assert.deepStrictEqual(taking({ _tag: "Restart" }), [])
    assert.deepStrictEqual(taking({ _tag: "Stop" }), ["Start", "Restart", "Pause", "Resume", "Attach", "Detach"])
    assert.deepStrictEqual(taking({ _tag: "Delete" }), [
      "Start",
      "Restart",
      "Stop",
      "Pause",
      "Resume",
      "Attach",
      "Detach"
    ])
    assert.deepStrictEqual(taking({ _tag: "Pause" }), ["Resume"])
    assert.deepStrictEqual(taking({ _tag: "Resume" }), ["Pause"])
    assert.deepStrictEqual(taking({ _tag: "Attach", volume: disk }), ["Detach"])
    assert.deepStrictEqual(taking({ _tag: "Attach", volume: { id: volume("other") } }), [])
    assert.deepStrictEqual(taking({ _tag: "Detach", volume: disk.id }), ["Attach"])
    assert.deepStrictEqual(taking({ _tag: "Detach", volume: volume("other") }), [])
  })
})

describe("revert", () => {
  const without = record().desired
  const withDisk = record({ desired: { volumes: [{ ...disk, readOnly: true }] } }).desired

  it("takes back what an attach or a detach wished, and nothing else", () => {
    assert.deepStrictEqual(revert({ _tag: "Attach", volume: disk }, withDisk, without), without)
    assert.deepStrictEqual(revert({ _tag: "Attach", volume: disk }, withDisk, withDisk), withDisk)
    assert.deepStrictEqual(revert({ _tag: "Detach", volume: disk.id }, without, withDisk), withDisk)
    assert.deepStrictEqual(revert({ _tag: "Detach", volume: disk.id }, without, without), without)
    for (const command of commands) {
      if (command._tag !== "Attach" && command._tag !== "Detach") {
        assert.strictEqual(revert(command, withDisk, without), withDisk)
      }
    }
  })
})
