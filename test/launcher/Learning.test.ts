import { assert, describe, it } from "@effect/vitest"
import { decide, type Step } from "../../src/launcher/Decision.ts"
import type { InstanceRecord } from "../../src/launcher/InstanceRecord.ts"
import * as Learning from "../../src/launcher/Learning.ts"
import { isQuiescent, type Observed, type Situation } from "../../src/launcher/Situation.ts"
import { all, disk, moment, now, observations, record } from "./situations.ts"

const status = { _tag: "PoweredOff" } as const

const see = (name: string, of: InstanceRecord = record()): Situation => {
  const observed = observations[name]
  if (observed === undefined) throw new Error(name)
  return { observed, record: of }
}

const done = (situation: Situation, step: Step): Situation =>
  Learning.success(situation, step, { _tag: "Done" }, moment).situation

const failed = (situation: Situation, step: Step, more: Partial<Learning.Failure & Learning.Circumstances> = {}) =>
  Learning.failure(
    situation,
    step,
    { phase: "launch", code: "launch_failure", detail: "no", guest: "unchanged", ...more },
    { ...moment, isAwaited: true, before: undefined, ...more }
  )

const never = record({ connectedMillis: null })
const first = record({ boot: 0, connectedMillis: null, desired: { epoch: 1 } })
const stopping = record({ desired: { power: "stopped" } })

describe("what a step that succeeded teaches", () => {
  it("each brings the instance one further", () => {
    const next = (name: string, step: Step) => done(see(name), step).observed
    assert.deepStrictEqual(next("Absent", { _tag: "EnsureImage" }), { _tag: "ImageReady" })
    assert.deepStrictEqual(next("ImageReady", { _tag: "CreateImage" }), { _tag: "Created" })
    assert.deepStrictEqual(next("Created", { _tag: "Launch", epoch: 2 }), { _tag: "Launched", doubt: undefined })
    assert.deepStrictEqual(next("Created", { _tag: "DeleteImage" }), { _tag: "Removed" })
    assert.deepInclude(next("Running", { _tag: "Pause" }), { paused: true })
    assert.deepInclude(next("Running, paused by itself", { _tag: "Resume" }), { paused: false, held: false })
    assert.deepInclude(next("Running", { _tag: "Attach", volume: disk }), { volumes: [disk.id] })
    assert.deepInclude(next("Running with a disk", { _tag: "Attach", volume: disk }), { volumes: [disk.id] })
    assert.deepInclude(next("Running with a disk", { _tag: "Detach", volume: disk.id }), { volumes: [] })
  })

  it("a guest that connected is on record", () => {
    const { situation } = Learning.success(see("Launched", never), { _tag: "Watch" }, {
      _tag: "Connected",
      status: { paused: false, volumes: [] }
    }, moment)
    assert.strictEqual(situation.record.connectedMillis, now)
    assert.strictEqual(situation.observed._tag, "Running")
  })

  it("a guest that ended: asked to, it is stopped; by itself, exited; before it connected, its start failed", () => {
    const end = (of: InstanceRecord, step: Step) =>
      Learning.success(see("Running", of), step, { _tag: "EndedMeanwhile", ended: { _tag: "Exited", status } }, moment)
    assert.deepStrictEqual(end(stopping, { _tag: "Stop", graceMillis: 1 }).situation.record.ended, {
      epoch: 2,
      outcome: { _tag: "Stopped", status }
    })
    const exited = end(record(), { _tag: "Watch" }).situation.record
    assert.deepStrictEqual(exited.ended, { epoch: 2, outcome: { _tag: "Exited", status } })
    assert.strictEqual(exited.desired.power, "stopped")
    const lesson = end(never, { _tag: "Watch" })
    assert.strictEqual(lesson.situation.record.ended?.outcome._tag, "Failed")
    assert.strictEqual(lesson.failure?._tag, "StepFailed")
  })

  it("the end of an earlier start's guest says nothing of the next", () => {
    const { record: after } = done(see("Running", record({ desired: { epoch: 3 } })), { _tag: "Stop", graceMillis: 0 })
    assert.strictEqual(after.desired.power, "running")
    assert.strictEqual(after.ended?.epoch, 2)
  })

  it("an end is recorded once: the first to tell it counts", () => {
    const panicked = Learning.ended(see("Running"), { _tag: "Exited", status: { _tag: "Panicked" } }, moment)
    const again = done({ ...panicked, observed: { _tag: "Launched", doubt: undefined } }, {
      _tag: "Stop",
      graceMillis: 0
    })
    assert.deepStrictEqual(again.record.ended, panicked.record.ended)
  })
})

describe("what a look teaches", () => {
  const probe = (situation: Situation, probe: Extract<Learning.Learned, { readonly _tag: "Probed" }>["probe"]) =>
    Learning.success(situation, { _tag: "Probe" }, { _tag: "Probed", probe }, moment)

  it("a guest that had connected and is not there has ended", () => {
    const looked = (of: InstanceRecord, lastExit: typeof status | undefined) =>
      probe(see("to be looked at", of), { _tag: "Created", lastExit }).situation.record.ended?.outcome
    assert.deepStrictEqual(looked(record(), status), { _tag: "Exited", status })
    assert.deepStrictEqual(looked(record(), undefined), { _tag: "Exited", status: { _tag: "Unknown" } })
    assert.deepStrictEqual(looked(stopping, undefined), { _tag: "Stopped", status: { _tag: "Unknown" } })
  })

  it("a launch that was cut short is done again", () => {
    const { situation } = probe(see("to be looked at", never), { _tag: "Created", lastExit: undefined })
    assert.isNull(situation.record.ended)
    assert.deepStrictEqual(decide(situation, now), { _tag: "Launch", epoch: 2 })
  })

  it("what is there that no record explains is foreign", () => {
    for (const found of [{ _tag: "Running" }, { _tag: "Created", lastExit: undefined }] as const) {
      const lesson = probe(see("just accepted", first), found)
      assert.strictEqual(lesson.situation.observed._tag, "Foreign")
      assert.strictEqual(lesson.failure?._tag, "InstanceExists")
    }
    for (const found of [{ _tag: "Absent" }, { _tag: "ImageReady" }] as const) {
      assert.strictEqual(probe(see("just accepted", first), found).situation.observed._tag, found._tag)
    }
    assert.strictEqual(probe(see("to be looked at", first), { _tag: "Running" }).situation.observed._tag, "Foreign")
    assert.strictEqual(
      probe(see("to be looked at", first), { _tag: "Created", lastExit: undefined }).situation.observed._tag,
      "Created"
    )
  })
})

describe("what a step that failed teaches", () => {
  const starting: ReadonlyArray<Step> = [{ _tag: "EnsureImage" }, { _tag: "CreateImage" }, { _tag: "Launch", epoch: 2 }]

  it("a first start that was never launched is undone, if somebody is there to be told why", () => {
    for (const step of starting) {
      assert.strictEqual(failed(see("Absent", first), step).situation.record.desired.power, "deleted")
      const alone = failed(see("Absent", first), step, { isAwaited: false }).situation.record
      assert.strictEqual(alone.desired.power, "stopped")
      assert.strictEqual(alone.ended?.outcome._tag, "Failed")
    }
  })

  it("any other start that fails leaves the instance, as failed; the host is looked at", () => {
    for (const step of starting) {
      const { failure, situation } = failed(see("Absent"), step)
      assert.deepStrictEqual(situation.record.ended, {
        epoch: 2,
        outcome: { _tag: "Failed", phase: "launch", code: "launch_failure", detail: "no" }
      })
      assert.strictEqual(situation.record.desired.power, "stopped")
      assert.deepStrictEqual(decide(situation, now), { _tag: "Probe" })
      assert.strictEqual(failure?._tag, "StepFailed")
    }
  })

  it("a guest that can not be watched: hopeless before it connected once, unknown from then on, gone when it is", () => {
    const watch = (of: InstanceRecord, guest: Learning.Failure["guest"]) =>
      failed(see("Launched", of), { _tag: "Watch" }, { guest }).situation
    assert.strictEqual(watch(never, "silent").record.ended?.outcome._tag, "Failed")
    assert.strictEqual(watch(never, "gone").record.ended?.outcome._tag, "Failed")
    assert.isNull(watch(record(), "silent").record.ended)
    assert.deepInclude(watch(record(), "silent").observed, { _tag: "Unknown", probeAtMillis: now + 500 })
    assert.deepStrictEqual(decide(watch(record(), "gone"), now), { _tag: "Probe" })
    assert.strictEqual(watch(stopping, "silent").observed._tag, "Unknown")
  })

  it("looking again backs off, from half a second to five, and remembers since when", () => {
    let situation = see("to be looked at")
    const waits: Array<number> = []
    for (let tries = 0; tries < 8; tries++) {
      situation = failed(situation, { _tag: "Probe" }, { nowMillis: now + tries }).situation
      if (situation.observed._tag === "Unknown") {
        waits.push(situation.observed.probeAtMillis - now - tries)
        assert.strictEqual(situation.observed.doubt?.sinceMillis, now)
      }
    }
    assert.deepStrictEqual(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000])
  })

  it("what changes a running guest is taken back from what is wanted", () => {
    const attached = record({ desired: { volumes: [disk] } })
    assert.deepStrictEqual(
      failed(see("Running", attached), { _tag: "Attach", volume: disk }).situation.record.desired.volumes,
      []
    )
    const detach: Step = { _tag: "Detach", volume: disk.id }
    const was = { ...disk, readOnly: false }
    const before = record({ desired: { volumes: [was] } }).desired
    const { situation } = failed(see("Running with a disk"), detach, { before })
    assert.deepStrictEqual(situation.record.desired.volumes, [was])
    assert.deepStrictEqual(situation.observed, { _tag: "Launched", doubt: undefined } satisfies Observed)
    assert.deepStrictEqual(failed(see("Running with a disk"), detach).situation.record.desired.volumes, [
      { ...disk, readOnly: true }
    ])
    const paused = record({ desired: { power: "paused" } })
    assert.strictEqual(failed(see("Running", paused), { _tag: "Pause" }).situation.record.desired.power, "running")
    assert.strictEqual(failed(see("Running, paused"), { _tag: "Resume" }).situation.record.desired.power, "paused")
    // Its guest ended meanwhile, and it is not started again for that.
    for (const _tag of ["Pause", "Resume"] as const) {
      assert.strictEqual(failed(see("Created", stopping), { _tag }).situation.record.desired.power, "stopped")
    }
  })

  it("ending and deleting are tried again, and lose nothing of what is wanted", () => {
    for (const step of [{ _tag: "Stop", graceMillis: 0 }, { _tag: "DeleteImage" }] as const) {
      const before = see("Launched", stopping)
      const { failure, situation } = failed(before, step)
      assert.isUndefined(failure)
      assert.strictEqual(situation.record, before.record)
      assert.strictEqual(situation.observed._tag, "Unknown")
    }
  })
})

describe("what an interrupted step teaches", () => {
  it("nothing of the record, and never that no guest is there", () => {
    for (const situation of all) {
      const step = decide(situation, now)
      const after = Learning.interrupted(situation, step)
      assert.strictEqual(after.record, situation.record)
      assert.isTrue(isQuiescent(situation.observed) || !isQuiescent(after.observed))
    }
  })

  it("it is looked at again, or watched again, unless the step changed nothing", () => {
    assert.strictEqual(Learning.interrupted(see("Created"), { _tag: "Launch", epoch: 2 }).observed._tag, "Unknown")
    assert.strictEqual(Learning.interrupted(see("Absent"), { _tag: "EnsureImage" }).observed._tag, "Unknown")
    assert.strictEqual(Learning.interrupted(see("Running"), { _tag: "Pause" }).observed._tag, "Launched")
    const stop: Step = { _tag: "Stop", graceMillis: 1 }
    assert.strictEqual(Learning.interrupted(see("Running"), stop).observed._tag, "Unknown")
    const waiting = see("silent, to be looked at later")
    assert.strictEqual(Learning.interrupted(waiting, { _tag: "Wait", untilMillis: 1 }).observed, waiting.observed)
  })
})

describe("what a guest tells", () => {
  it("a lost control socket proves nothing: it is looked at, now", () => {
    const situation = Learning.ended(see("Running"), { _tag: "Lost", cause: "gone" }, moment)
    assert.isNull(situation.record.ended)
    assert.deepStrictEqual(decide(situation, now), { _tag: "Probe" })
    assert.deepInclude(situation.observed, { doubt: { sinceMillis: now, why: "gone", tries: 1 } })
  })

  it("a pause that nobody asked for is held; one that was asked for is not", () => {
    const held = (of: InstanceRecord) => Learning.event(see("Running", of), { _tag: "Paused" }).observed
    assert.deepInclude(held(record()), { paused: true, held: true })
    assert.deepInclude(held(record({ desired: { power: "paused" } })), { paused: true, held: false })
    assert.deepInclude(Learning.event(see("Running, paused by itself"), { _tag: "Resumed" }).observed, {
      paused: false,
      held: false
    })
    assert.strictEqual(Learning.event(see("Running"), { _tag: "Rebooted" }).observed, observations.Running)
  })
})

describe("what a guest teaches that began without a step", () => {
  const over = (outcome: NonNullable<InstanceRecord["ended"]>["outcome"], power: "running" | "stopped" = "stopped") =>
    record({ desired: { power }, ended: { epoch: record().boot, outcome } })

  const found = (before: InstanceRecord): Situation => {
    const looked = Learning.begun(see("Created", before))
    assert.strictEqual(looked.record, before)
    assert.deepStrictEqual(decide(looked, now), { _tag: "Probe" })
    return Learning.success(looked, { _tag: "Probe" }, { _tag: "Probed", probe: { _tag: "Running" } }, moment).situation
  }

  it("one that had ended by itself runs again: as the same start, or as the next that its policy was about to make", () => {
    const same = over({ _tag: "Exited", status })
    const next = record({ boot: 2, desired: { epoch: 3 }, ended: { epoch: 2, outcome: { _tag: "Exited", status } } })
    for (const before of [same, next]) {
      const after = found(before)
      assert.deepStrictEqual(after.observed, { _tag: "Launched", doubt: undefined })
      assert.deepInclude(after.record, { boot: before.desired.epoch, ended: null })
      assert.strictEqual(after.record.desired.power, "running")
      assert.deepStrictEqual(decide(after, now), { _tag: "Watch" })
    }
  })

  it("one that was stopped, or given up, is still not wanted", () => {
    for (
      const before of [
        over({ _tag: "Stopped", status }),
        over({ _tag: "Failed", phase: "run", code: "crash_loop", detail: "no" })
      ]
    ) {
      const after = found(before)
      assert.strictEqual(after.record, before)
      assert.strictEqual(after.record.desired.power, "stopped")
    }
  })
})
