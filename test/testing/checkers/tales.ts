/** Histories in few words, for tests of checkers. */
import { assert } from "@effect/vitest"
import { Duration } from "effect"
import type { InstanceEvent } from "../../../src/domain/InstanceEvent.ts"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { InstanceInfo } from "../../../src/domain/InstanceInfo.ts"
import type { InstanceState } from "../../../src/domain/InstanceState.ts"
import { initial, type InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import { LauncherConfig } from "../../../src/launcher/LauncherConfig.ts"
import type { Code } from "../../../src/launcher/LauncherError.ts"
import type { Checker } from "../../../src/testing/Checker.ts"
import type { Call, Entry, History, Occurrence, Operation, SettledInstance } from "../../../src/testing/History.ts"
import { id, spec, volume } from "../../launcher/TestNode.ts"

/** The instance that most is about. */
export const it1: InstanceId = id("a1")
export const it2: InstanceId = id("b2")
export const data = volume("data")

/** What happens, in order; a number lets so many milliseconds pass. */
export const history = (...parts: ReadonlyArray<Occurrence | number>): History => {
  let atMillis = 0
  return parts.flatMap((part): ReadonlyArray<Entry> => {
    if (typeof part !== "number") return [{ atMillis, ...part }]
    atMillis += part
    return []
  })
}

/** The checker has nothing to say against what happened. */
export const holds = (checker: Checker, ...parts: ReadonlyArray<Occurrence | number>): void => {
  assert.deepStrictEqual(checker.check(history(...parts)).map(({ detail }) => detail), [])
}

/** The checker complains, once, in such words. */
export const breaks = (checker: Checker, words: RegExp, ...parts: ReadonlyArray<Occurrence | number>): void => {
  const violations = checker.check(history(...parts))
  assert.strictEqual(violations.length, 1, violations.map(({ detail }) => detail).join("\n"))
  assert.match(violations[0]?.detail ?? "", words)
  assert.strictEqual(violations[0]?.checker, checker.name)
}

// Launchers

export const config = LauncherConfig.make({ commandDeadline: Duration.minutes(3) })
export const began = (incarnation: number): Occurrence => ({ _tag: "Began", incarnation, config })
export const booted = (incarnation: number, ...unreadable: ReadonlyArray<InstanceId>): Occurrence => ({
  _tag: "Booted",
  incarnation,
  instances: [],
  unreadable
})
export const crashed = (incarnation: number): Occurrence => ({ _tag: "Crashed", incarnation })
export const buried = (incarnation: number, refused = 1, fibers = 0, timers = 0): Occurrence => ({
  _tag: "Buried",
  incarnation,
  refused,
  left: { fibers, timers }
})
export const closing = (incarnation: number): Occurrence => ({ _tag: "Closing", incarnation })
export const closed = (incarnation: number, fibers = 0, timers = 0): Occurrence => ({
  _tag: "Closed",
  incarnation,
  left: { fibers, timers }
})

// Calls

export const start = (more: Parameters<typeof spec>[1] = {}): Call => ({ _tag: "Start", spec: spec("a1", more) })
export const create: Call = { _tag: "Create", spec: spec("a1") }
export const stop: Call = { _tag: "Stop", id: it1 }
export const remove: Call = { _tag: "Delete", id: it1 }
export const pause: Call = { _tag: "Pause", id: it1 }
export const resume: Call = { _tag: "Resume", id: it1 }
export const attach: Call = { _tag: "Attach", id: it1, volume: { id: data } }
export const detach: Call = { _tag: "Detach", id: it1, volume: data }
export const called = (call: number, command: Call, incarnation = 1): Occurrence => ({
  _tag: "Called",
  call,
  client: 0,
  incarnation,
  command
})
export const ok = (call: number): Occurrence => ({ _tag: "Answered", call, answer: { ok: true } })
export const failed = (call: number, code: Code | "defect"): Occurrence => ({
  _tag: "Answered",
  call,
  answer: { ok: false, code, detail: "so it is" }
})
export const abandoning = (call: number): Occurrence => ({ _tag: "Abandoning", call })
export const abandoned = (call: number): Occurrence => ({ _tag: "Abandoned", call })

// Records

/** A record: what is wanted, and the rest where it matters. */
export const record = (
  power: InstanceRecord["desired"]["power"],
  { epoch = 1, restarts = 0, revision = 1, volumes = [], ...more }:
    & Partial<Pick<InstanceRecord, "boot" | "connectedMillis" | "ended" | "revision" | "spec">>
    & { readonly epoch?: number; readonly restarts?: number; readonly volumes?: InstanceRecord["desired"]["volumes"] } =
      {}
): InstanceRecord => ({
  ...initial(more.spec ?? spec("a1")),
  ...more,
  revision,
  desired: { power, epoch, volumes, restarts, notBeforeMillis: 0 }
})
export const recorded = (record: InstanceRecord, isHeard = true): Occurrence => ({
  _tag: "Recorded",
  id: record.id,
  record,
  isHeard
})
export const removed: Occurrence = { _tag: "Removed", id: it1 }
export const setAside: Occurrence = { _tag: "SetAside", id: it1 }

// The host

export const spawned = (pid: number, of = it1, ...volumes: ReadonlyArray<InstanceRecord["desired"]["volumes"][0]>) =>
  ({ _tag: "Spawned", id: of, pid, volumes }) satisfies Occurrence
export const ended = (pid: number, of = it1): Occurrence => ({ _tag: "Ended", id: of, pid })
export const attached = (of: InstanceId, readOnly = false): Occurrence => ({
  _tag: "Attached",
  id: of,
  volume: { id: data, readOnly }
})
export const detached = (of: InstanceId): Occurrence => ({ _tag: "Detached", id: of, volume: data })
export const remains = (...what: ReadonlyArray<string>): Occurrence => ({ _tag: "Remains", id: it1, what })
export const acting = (act: number, operation: Operation, incarnation = 1): Occurrence => ({
  _tag: "Acting",
  act,
  incarnation,
  id: it1,
  operation
})
export const acted = (act: number, how: "succeeded" | "failed" | "interrupted" = "succeeded"): Occurrence => ({
  _tag: "Acted",
  act,
  how
})
const nothing: SettledInstance = { id: it1, record: undefined, info: undefined, guest: undefined, remains: [] }
export const settled = (...instances: ReadonlyArray<Partial<SettledInstance>>): Occurrence => ({
  _tag: "Settled",
  instances: instances.map((instance) => Object.assign({ ...nothing }, instance))
})

// Events

export const running: InstanceState = { _tag: "Running" }
export const stopped: InstanceState = { _tag: "Stopped" }
export const told = (
  sequence: number,
  what: InstanceState | "Deleted" | "Rebooted",
  { atMillis = 0, incarnation = 1 } = {}
): Occurrence => {
  const change: InstanceEvent["change"] = typeof what === "string"
    ? { _tag: what }
    : { _tag: "StateChanged", state: what, starts: 1 }
  return { _tag: "Told", event: { incarnation, sequence, atMillis, id: it1, change } }
}
/** The instance as it is shown, in its first start. */
export const info = (state: InstanceState, of = "a1"): InstanceInfo => ({
  spec: spec(of),
  state,
  volumes: [],
  starts: 1
})
export const added = (sequence: number, state: InstanceState, { atMillis = 0, incarnation = 1 } = {}): Occurrence => ({
  _tag: "Told",
  event: { incarnation, sequence, atMillis, id: it1, change: { _tag: "Added", instance: info(state) } }
})
export const snapshot = (sequence: number, states: Readonly<Record<string, InstanceState>> = {}): Occurrence => ({
  _tag: "Snapshot",
  incarnation: 1,
  sequence,
  instances: new Map(Object.entries(states).map(([text, state]) => [id(text), info(state, text)]))
})
