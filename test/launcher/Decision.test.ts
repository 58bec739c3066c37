import { assert, describe, it } from "@effect/vitest"
import { decide, isSame, type Step } from "../../src/launcher/Decision.ts"
import type { InstanceRecord } from "../../src/launcher/InstanceRecord.ts"
import { all, disk, now, observations, type Power, powers, record } from "./situations.ts"

const text = (step: Step): string => {
  const { _tag, ...data } = step
  return [_tag, ...Object.values(data).map((value) => typeof value === "object" ? JSON.stringify(value) : `${value}`)]
    .join(" ")
}

/** What is done in the second start of an instance, whose guest connected: observation → running, paused, stopped, deleted. */
const table: Readonly<Record<string, readonly [string, string, string, string]>> = {
  "to be looked at": ["Probe", "Probe", "Probe", "Probe"],
  "just accepted": ["Probe", "Probe", "Probe", "Forget"],
  "silent, to be looked at": ["Probe", "Probe", "Probe", "Probe"],
  "silent, to be looked at later": ["Wait 10001", "Wait 10001", "Wait 10001", "Wait 10001"],
  Foreign: ["Forget", "Forget", "Forget", "Forget"],
  Absent: ["EnsureImage", "EnsureImage", "Idle", "DeleteImage"],
  ImageReady: ["CreateImage", "CreateImage", "Idle", "DeleteImage"],
  Created: ["Launch 2", "Launch 2", "Idle", "DeleteImage"],
  Launched: ["Watch", "Watch", "Watch", "Stop 0"],
  "Launched, silent once": ["Watch", "Watch", "Watch", "Stop 0"],
  "Launched, silent twice": ["Watch", "Watch", "Stop 0", "Stop 0"],
  Running: ["Idle", "Pause", "Stop 10000", "Stop 0"],
  "Running, paused": ["Resume", "Idle", "Stop 10000", "Stop 0"],
  "Running, paused by itself": ["Idle", "Idle", "Stop 10000", "Stop 0"],
  "Running with a disk": ["Detach disk", "Detach disk", "Stop 10000", "Stop 0"],
  Removed: ["EnsureImage", "EnsureImage", "Idle", "Forget"]
}

/** What differs. */
const changes: ReadonlyArray<readonly [string, InstanceRecord, Readonly<Record<string, string>>]> = [
  [
    "a guest that never connected is not asked to end",
    record({ connectedMillis: null, desired: { power: "stopped" } }),
    {
      Launched: "Stop 0",
      "Launched, silent once": "Stop 0",
      Running: "Stop 0"
    }
  ],
  ["a guest of an earlier start goes first, and is asked to", record({ desired: { epoch: 3 } }), {
    Launched: "Watch",
    "Launched, silent twice": "Stop 0",
    Running: "Stop 10000",
    "Running, paused": "Stop 10000",
    Created: "Launch 3"
  }],
  ["what is not to be launched yet waits", record({ boot: 1, desired: { restarts: 1, notBeforeMillis: now + 500 } }), {
    Absent: "Wait 10500",
    ImageReady: "Wait 10500",
    Created: "Wait 10500",
    "to be looked at": "Probe"
  }],
  ["what may be launched is", record({ boot: 1, desired: { restarts: 1, notBeforeMillis: now } }), {
    Created: "Launch 2"
  }],
  ["a volume that is wanted is attached", record({ desired: { volumes: [disk] } }), {
    Running: "Attach {\"id\":\"disk\"}",
    "Running, paused": "Attach {\"id\":\"disk\"}",
    "Running with a disk": "Idle"
  }]
]

describe("decide", () => {
  it("every power × every observation", () => {
    assert.sameMembers(Object.keys(table), Object.keys(observations))
    for (const [name, observed] of Object.entries(observations)) {
      const steps = powers.map((power: Power) =>
        text(decide({ observed, record: record({ desired: { power } }) }, now))
      )
      assert.deepStrictEqual(steps, [...table[name] ?? []], name)
    }
  })

  for (const [why, changed, steps] of changes) {
    it(why, () => {
      for (const [name, step] of Object.entries(steps)) {
        const observed = observations[name]
        assert.isDefined(observed)
        if (observed !== undefined) assert.strictEqual(text(decide({ observed, record: changed }, now)), step, name)
      }
    })
  }

  it("the same situation gives an equal step, and different steps differ", () => {
    const steps = all.map((situation) => decide(situation, now))
    for (const [index, situation] of all.entries()) {
      const step = steps[index]
      if (step === undefined) continue
      assert.isTrue(isSame(decide({ observed: situation.observed, record: { ...situation.record } }, now), step))
      for (const other of steps) assert.strictEqual(isSame(step, other), text(step) === text(other))
    }
  })
})
