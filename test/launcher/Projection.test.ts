import { assert, describe, it } from "@effect/vitest"
import { type InstanceState, moves } from "../../src/domain/InstanceState.ts"
import { decide, type Step } from "../../src/launcher/Decision.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import { initial } from "../../src/launcher/InstanceRecord.ts"
import * as Learning from "../../src/launcher/Learning.ts"
import { project } from "../../src/launcher/Projection.ts"
import { fresh, recovered, type Situation } from "../../src/launcher/Situation.ts"
import { type Command, wish } from "../../src/launcher/Wish.ts"
import { Dice } from "../../src/internal/Dice.ts"
import { disk, momentAt, observations, record } from "./situations.ts"
import { spec } from "./TestNode.ts"

const idle: Step = { _tag: "Idle" }

const stateOf = (situation: Situation, previous?: InstanceState): string =>
  project(situation, decide(situation, 10_000), previous)._tag

/** What comes of a step, by the roll of a die. */
const outcome = (dice: Dice, situation: Situation, step: Step, now: number): Situation => {
  const roll = dice.below(10)
  if (roll === 0) return Learning.interrupted(situation, step)
  if (roll < 3 && step._tag !== "Wait" && step._tag !== "Idle") {
    return Learning.failure(situation, step, {
      phase: "run",
      code: "instance_failure",
      detail: "scripted",
      guest: dice.one("gone", "silent", "unchanged")
    }, { ...momentAt(now), isAwaited: dice.below(2) === 0, before: undefined }).situation
  }
  const status = { _tag: "PoweredOff" } as const
  const learned = (): Learning.Learned => {
    switch (step._tag) {
      case "Probe":
        return {
          _tag: "Probed",
          probe: dice.one(
            { _tag: "Running" },
            { _tag: "Created", lastExit: status },
            { _tag: "Created", lastExit: undefined },
            { _tag: "ImageReady" },
            { _tag: "Absent" }
          )
        }
      case "Watch":
        return dice.below(5) === 0
          ? { _tag: "EndedMeanwhile", ended: { _tag: "Exited", status } }
          : {
            _tag: "Connected",
            status: { paused: dice.below(3) === 0, volumes: dice.below(2) === 0 ? [disk.id] : [] }
          }
      case "Stop":
        return dice.below(2) === 0 ? { _tag: "Done" } : { _tag: "EndedMeanwhile", ended: { _tag: "Exited", status } }
      default:
        return { _tag: "Done" }
    }
  }
  return Learning.success(situation, step, learned(), momentAt(now)).situation
}

/** What happens of its own accord while a guest is watched. */
const happening = (dice: Dice, situation: Situation, now: number): Situation => {
  if (situation.observed._tag !== "Running") return situation
  switch (dice.below(10)) {
    case 0:
      return Learning.ended(situation, { _tag: "Exited", status: { _tag: "Panicked" } }, momentAt(now))
    case 1:
      return Learning.ended(situation, { _tag: "Lost", cause: "scripted" }, momentAt(now))
    case 2:
      return Learning.event(situation, { _tag: "Paused" })
    case 3:
      return Learning.event(situation, { _tag: "Resumed" })
    default:
      return situation
  }
}

const commands: readonly [Command, ...ReadonlyArray<Command>] = [
  { _tag: "Start" },
  { _tag: "Start" },
  { _tag: "Stop" },
  { _tag: "Pause" },
  { _tag: "Resume" },
  { _tag: "Attach", volume: disk },
  { _tag: "Detach", volume: disk.id },
  { _tag: "Delete" }
]

describe("project", () => {
  it("what is wanted and seen, as people see it", () => {
    const seen = (name: string, more: Parameters<typeof record>[0] = {}) => {
      const observed = observations[name]
      if (observed === undefined) throw new Error(name)
      return stateOf({ observed, record: record(more) })
    }
    const stopped = { power: "stopped" } as const
    const status = { _tag: "Panicked" } as const
    assert.strictEqual(seen("Running"), "Running")
    assert.strictEqual(seen("Running, paused by itself"), "Paused")
    assert.strictEqual(seen("Running", { desired: stopped }), "Stopping")
    assert.strictEqual(seen("Running", { desired: { power: "deleted" } }), "Stopping")
    assert.strictEqual(seen("Created", { desired: { power: "deleted" } }), "Stopping")
    assert.strictEqual(seen("Launched", { connectedMillis: null }), "Starting")
    assert.strictEqual(seen("Launched, silent once"), "Unknown")
    assert.strictEqual(seen("silent, to be looked at later"), "Unknown")
    assert.strictEqual(seen("silent, to be looked at later", { desired: { power: "deleted" } }), "Unknown")
    assert.strictEqual(seen("Absent"), "Preparing")
    assert.strictEqual(seen("ImageReady"), "Preparing")
    assert.strictEqual(seen("Created"), "Starting")
    assert.strictEqual(seen("Created", { desired: stopped }), "Stopped")
    assert.strictEqual(
      seen("Created", { desired: stopped, ended: { epoch: 2, outcome: { _tag: "Exited", status } } }),
      "Exited"
    )
    // How an earlier start ended is no news of this one.
    assert.strictEqual(
      seen("Created", { desired: stopped, ended: { epoch: 1, outcome: { _tag: "Exited", status } } }),
      "Stopped"
    )
    assert.strictEqual(project(fresh(initial(spec("a1"))), idle, undefined)._tag, "Pending")
    const withdrawn = { ...initial(spec("a1")).desired, epoch: 1 }
    assert.strictEqual(
      project(fresh({ ...initial(spec("a1")), desired: withdrawn }), idle, undefined)._tag,
      "Stopping"
    )
  })

  it("moves legally, whatever happens", () => {
    const illegal = new Set<string>()
    for (let seed = 1; seed <= 200; seed++) {
      const dice = new Dice(seed)
      let now = 1_000
      const policy = dice.one("never", "on-failure", "always")
      const { desired, ...rest } = initial(spec("a1", { restart: policy }))
      let situation = fresh({ ...rest, desired: { ...desired, power: "running", epoch: 1 } })
      let previous: InstanceState | undefined
      for (let turn = 0; turn < 200; turn++) {
        now += dice.below(2_000)
        const step = decide(situation, now)
        const state = project(situation, step, previous)
        if (previous !== undefined && previous._tag !== state._tag && !moves[previous._tag].includes(state._tag)) {
          illegal.add(`${previous._tag} to ${state._tag}: ${step._tag}, ${situation.observed._tag}`)
        }
        previous = state
        if (step._tag === "Forget") break
        if (dice.below(40) === 0) {
          situation = recovered(situation.record, now, LauncherConfig.make({}))
          previous = undefined
          continue
        }
        if (dice.below(4) === 0) {
          // A delete is the end of a walk: it comes seldom.
          const command = dice.one(...commands)
          const result = command._tag === "Delete" && dice.below(5) > 0
            ? undefined
            : wish(command, situation, { pause: true, liveVolumes: true })
          if (result?._tag === "Desire") {
            situation = { ...situation, record: { ...situation.record, desired: result.desired } }
          }
        } else situation = outcome(dice, situation, step, now)
        situation = happening(dice, situation, now)
      }
    }
    assert.deepStrictEqual([...illegal], [])
  })
})
