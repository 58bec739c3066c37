import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import { decide, type Step } from "../../src/launcher/Decision.ts"
import { InstanceFailure } from "../../src/launcher/LauncherError.ts"
import type { Situation } from "../../src/launcher/Situation.ts"
import { atEnd, concerns, verdict, type Waiting } from "../../src/launcher/Verdict.ts"
import type { Command } from "../../src/launcher/Wish.ts"
import { all, disk, now, observations, record } from "./situations.ts"
import { id } from "./TestNode.ts"

const waiting = (command: Command, more: Partial<Waiting> = {}): Waiting => ({
  command,
  epoch: 2,
  superseded: undefined,
  failure: undefined,
  ...more
})

const short = (answer: Exit.Exit<void, { readonly reason: { readonly _tag: string } }> | undefined): string => {
  if (answer === undefined) return "waits"
  if (Exit.isSuccess(answer)) return "done"
  const [reason] = answer.cause.reasons
  return reason?._tag === "Fail" ? reason.error.reason._tag : "?"
}

const told = (
  command: Command,
  name: string,
  more: Parameters<typeof record>[0] = {},
  waiter: Partial<Waiting> = {}
) => {
  const observed = observations[name]
  if (observed === undefined) throw new Error(name)
  const situation = { observed, record: record(more) }
  return short(verdict(waiting(command, waiter), situation, decide(situation, now)))
}

const commands: ReadonlyArray<Command> = [
  { _tag: "Start" },
  { _tag: "Stop" },
  { _tag: "Delete" },
  { _tag: "Pause" },
  { _tag: "Resume" },
  { _tag: "Attach", volume: disk },
  { _tag: "Detach", volume: disk.id },
  { _tag: "Withdraw", start: { epoch: 2, owns: true, granted: false } }
]
const [start, stop, remove, pause, resume, attach, detach] = commands as [
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
  Command
]
const stopped = { desired: { power: "stopped" } } as const
const paused = { desired: { power: "paused" } } as const
const failure = new InstanceFailure({ id: id("a1"), detail: "no" })

describe("verdict", () => {
  it("a start is done when the guest of that start, or of a later one, runs", () => {
    assert.strictEqual(told(start, "Running"), "done")
    assert.strictEqual(told(start, "Running, paused", paused), "done")
    assert.strictEqual(told(start, "Running", {}, { epoch: 3 }), "waits")
    for (const name of ["Absent", "ImageReady", "Created", "Launched", "to be looked at"]) {
      assert.strictEqual(told(start, name), "waits", name)
    }
    assert.strictEqual(told(start, "Created", stopped), "InstanceFailure")
    const outcome = { _tag: "Failed", phase: "launch", code: "launch_failure", detail: "no" } as const
    assert.strictEqual(told(start, "Created", { ...stopped, ended: { epoch: 2, outcome } }), "StepFailed")
  })

  it("a stop is done when it is certain that no guest is there", () => {
    for (const name of ["Absent", "ImageReady", "Created"]) assert.strictEqual(told(stop, name, stopped), "done", name)
    for (const name of ["Running", "Launched", "to be looked at"]) {
      assert.strictEqual(told(stop, name, stopped), "waits", name)
    }
  })

  it("a delete is done when the instance is gone, and not before", () => {
    for (const situation of all) {
      assert.isUndefined(verdict(waiting(remove), situation, decide(situation, now)))
    }
    const situation: Situation = { observed: { _tag: "Removed" }, record: record({ desired: { power: "deleted" } }) }
    assert.strictEqual(short(atEnd(waiting(remove), situation)), "done")
  })

  it("pause and resume are done when the guest is so, attach and detach when it has the volume so", () => {
    assert.strictEqual(told(pause, "Running, paused", paused), "done")
    assert.strictEqual(told(pause, "Running", paused), "waits")
    assert.strictEqual(told(resume, "Running"), "done")
    assert.strictEqual(told(resume, "Running, paused"), "waits")
    assert.strictEqual(told(attach, "Running with a disk"), "done")
    assert.strictEqual(told(attach, "Running"), "waits")
    assert.strictEqual(told(detach, "Running"), "done")
    assert.strictEqual(told(detach, "Running with a disk"), "waits")
    assert.strictEqual(told(attach, "Created", stopped), "done")
    assert.strictEqual(told(detach, "Launched"), "waits")
    assert.strictEqual(told(pause, "Created", stopped), "InstanceFailure")
  })

  it("who was superseded, or failed, hears that: a failure once nothing is under way any more", () => {
    for (const command of commands) {
      assert.strictEqual(told(command, "Running", {}, { superseded: "stop" }), "Superseded", command._tag)
    }
    assert.strictEqual(told(start, "to be looked at", stopped, { failure }), "waits")
    assert.strictEqual(told(start, "Created", stopped, { failure }), "InstanceFailure")
    assert.strictEqual(told(start, "Created", { desired: { power: "deleted" } }, { failure }), "waits")
  })

  it("at the end everybody is told: what failed, what took over, or that the instance is gone", () => {
    const situation: Situation = { observed: { _tag: "Removed" }, record: record({ desired: { power: "deleted" } }) }
    for (const command of commands) {
      const isDone = command._tag === "Delete" || command._tag === "Withdraw"
      assert.strictEqual(short(atEnd(waiting(command), situation)), isDone ? "done" : "NoInstance")
      assert.strictEqual(short(atEnd(waiting(command, { superseded: "delete" }), situation)), "Superseded")
      if (!isDone) assert.strictEqual(short(atEnd(waiting(command, { failure }), situation)), "InstanceFailure")
    }
  })
})

describe("concerns", () => {
  it("the failure of a step is told to those who wait for it", () => {
    const told = (step: Step) => commands.filter((command) => concerns(step, command)).map((command) => command._tag)
    const starting = ["Start", "Pause", "Resume"]
    for (const _tag of ["EnsureImage", "CreateImage", "Watch"] as const) {
      assert.deepStrictEqual(told({ _tag }), starting)
    }
    assert.deepStrictEqual(told({ _tag: "Launch", epoch: 2 }), starting)
    assert.deepStrictEqual(told({ _tag: "Probe" }), ["Start"])
    assert.isTrue(concerns({ _tag: "Attach", volume: disk }, attach))
    assert.isFalse(concerns({ _tag: "Attach", volume: disk }, detach))
    assert.isTrue(concerns({ _tag: "Detach", volume: disk.id }, detach))
    assert.isTrue(concerns({ _tag: "Pause" }, pause))
    assert.isFalse(concerns({ _tag: "Pause" }, resume))
    for (const command of commands) assert.isFalse(concerns({ _tag: "Stop", graceMillis: 0 }, command))
  })
})
