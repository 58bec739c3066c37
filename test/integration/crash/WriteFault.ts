/**
 * One write of a launcher fails in the middle of a command.
 */
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import * as Act from "./Act.ts"
import * as Ground from "./Ground.ts"
import type { LauncherProcess } from "./LauncherProcess.ts"
import * as Operation from "./Operation.ts"
import type { Answer } from "./Protocol.ts"
import * as Recording from "./Recording.ts"
import * as Strace from "./Strace.ts"
import * as Verdict from "./Verdict.ts"

/** How a write fails: on a full disk, on a broken one, and on one that may only be read. Each with the words for it. */
export const faults = { ENOSPC: /no space|full/i, EIO: /i\/o error/i, EROFS: /read-only/i }

export type Fault = keyof typeof faults

/** The faults' names. */
export const names: ReadonlyArray<Fault> = ["ENOSPC", "EIO", "EROFS"]

/** What can fail so: whatever is done to a path. */
export const isWrite = ({ kind }: Act.Act): boolean => kind === "path"

/** Where a write fails, in words. */
export const format = (operation: Operation.Operation, act: Act.Act, fault: Fault): string =>
  `${operation.name}: ${fault} at ${Act.format(act)}`

/** Waits until the fault has struck: a record may be written after the answer. */
const struck = Effect.fnUntraced(function*(tracer: Strace.Tracer) {
  for (let tries = 0; tries < 100; tries++) {
    if (yield* tracer.hasActed) return true
    yield* Effect.sleep(50)
  }
  return false
})

/** What is wrong with how a failure was told. */
const told = (answer: Answer, fault: Fault): ReadonlyArray<string> => {
  if (answer._tag !== "Failed") return []
  const { code, message } = answer
  const codes: ReadonlyArray<string> = [
    "state_failure",
    "image_failure",
    "launch_failure",
    "attach_failure",
    "instance_failure"
  ]
  return [
    ...(codes.includes(code) ? [] : [`its code is ${code}`]),
    ...(faults[fault].test(message) ? [] : [`it does not say what is wrong: ${message}`])
  ]
}

/**
 * Has one write of an operation fail, and answers what is wrong.
 *
 * The command fails, typed, or comes about all the same. When it fails, what was there before is there, as the launcher says
 * and as is on record for the next one; no guest has ended. The launcher answers others meanwhile. Once the fault is gone,
 * the same command comes about, and nothing is left but what the records explain.
 */
export const run = Effect.fnUntraced(function*(
  ground: Ground.Ground,
  launcher: LauncherProcess,
  operation: Operation.Operation,
  act: Act.Act,
  fault: Fault
) {
  const wrong: Array<string> = []
  const complain = (when: string, what: ReadonlyArray<string>) => wrong.push(...what.map((one) => `${when}: ${one}`))
  const [, idle = Ground.id] = Ground.bystanders
  const idleRecord = () => readFileSync(`${ground.stateDirectory}/records/${idle}.json`, "utf8")
  yield* operation.prepare(ground, launcher)
  const guests = yield* Ground.guests(ground)
  const wantedBefore = Verdict.ofRecord(Ground.record(ground, Ground.id), guests.get(Ground.id)?.[0])
  const recordBefore = idleRecord()
  const place = yield* Recording.place(ground, launcher)
  const answer = yield* Strace.during(
    launcher.pid,
    Act.inject(act, place, `error=${fault}`),
    (tracer) =>
      Effect.gen(function*() {
        const answer = yield* launcher.ask(operation.command(ground))
        if (!(yield* struck(tracer))) complain("the fault", ["did not strike"])
        yield* Operation.demand(launcher, { _tag: "Pause", id: Ground.bystanders[0] ?? idle })
        yield* Operation.demand(launcher, { _tag: "Resume", id: Ground.bystanders[0] ?? idle })
        return answer
      })
  )
  complain("the answer", told(answer, fault))
  const wanted = { state: operation.wanted, hasVolume: operation.hasVolume, pid: undefined, starts: undefined }
  if (answer._tag === "Failed") {
    // A start that fails once its guest could have been launched leaves the instance, to be started again or deleted.
    const isKept = wantedBefore.state === "stopped" ||
      (wantedBefore.state === "absent" && answer.message.includes("in phase launch"))
    const left: Verdict.Wanted = { ...wantedBefore, state: isKept ? "over" : wantedBefore.state, starts: undefined }
    complain("failed", yield* Verdict.converge(ground, launcher, left))
    complain("failed", yield* Verdict.onRecord(ground, left))
  } else complain("done", yield* Verdict.converge(ground, launcher, wanted))
  const again = yield* launcher.ask(operation.command(ground))
  const isDone = again._tag === "Done" ||
    (again._tag === "Failed" && again.code === "no_instance" && operation.wanted === "absent")
  if (!isDone) complain("asked again", [`it answered ${JSON.stringify(again)}`])
  complain("asked again", yield* Verdict.converge(ground, launcher, wanted))
  const instances = [...Ground.bystanders, ...operation.wanted === "absent" ? [] : [Ground.id]]
  complain("asked again", yield* Ground.awaitClean(ground, instances, launcher.pid))
  if (operation.name !== "detach") {
    yield* Operation.clear(launcher)
    complain("deleted", yield* Ground.awaitClean(ground, Ground.bystanders, launcher.pid))
  }
  const after = yield* Ground.guests(ground)
  for (const id of Ground.bystanders) {
    if (after.get(id)?.join() !== guests.get(id)?.join()) complain("afterwards", [`bystander ${id} is another process`])
  }
  if (idleRecord() !== recordBefore) complain("afterwards", ["a bystander's record is another one"])
  return { answer, wrong }
})
