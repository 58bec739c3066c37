import { describe, it } from "@effect/vitest"
import { recordedAnswers } from "../../../src/testing/checkers/recordedAnswers.ts"
import {
  abandoned,
  abandoning,
  attach,
  began,
  breaks,
  called,
  closing,
  data,
  detach,
  holds,
  ok,
  pause,
  record,
  recorded,
  remove,
  removed,
  start,
  stop
} from "./tales.ts"

const runs = recorded(record("running"))
const rests = recorded(record("stopped", { revision: 2 }))
const withData = recorded(record("running", { revision: 2, volumes: [{ id: data }] }))

describe("an acknowledged command is on record", () => {
  it("holds where the disk said so between the call and its answer, or already before", () => {
    holds(recordedAnswers, called(1, start()), runs, ok(1), called(2, stop), rests, ok(2))
    holds(recordedAnswers, called(1, start()), runs, ok(1), called(2, start()), ok(2))
    holds(
      recordedAnswers,
      called(1, start()),
      runs,
      ok(1),
      called(2, attach),
      withData,
      ok(2),
      called(3, attach),
      ok(3)
    )
    holds(recordedAnswers, called(1, start()), runs, ok(1), called(2, remove), removed, ok(2))
  })

  it("holds where somebody else had it changed before the answer", () => {
    holds(recordedAnswers, called(1, start()), called(2, stop), runs, rests, ok(1), ok(2))
  })

  it("holds for a stop that comes to be on record together with the next start", () => {
    const again = recorded(record("running", { epoch: 2, revision: 2 }))
    holds(recordedAnswers, called(1, start()), runs, ok(1), called(2, stop), called(3, start()), again, ok(2), ok(3))
  })

  it("is broken by an answer that the disk does not know of", () => {
    breaks(recordedAnswers, /never said so/, called(1, start()), ok(1))
    breaks(recordedAnswers, /never said so/, called(1, start()), runs, ok(1), called(2, stop), ok(2), rests)
    breaks(recordedAnswers, /never said so/, called(1, start()), runs, ok(1), called(2, pause), ok(2))
    breaks(recordedAnswers, /never said so/, called(1, start()), runs, ok(1), called(2, attach), ok(2))
    breaks(recordedAnswers, /never said so/, called(1, start()), withData, ok(1), called(2, detach), ok(2))
    breaks(recordedAnswers, /never said so/, called(1, start()), runs, ok(1), called(2, remove), ok(2), removed)
  })

  it("holds where a start that is given up is taken back, or was not its caller's to take back", () => {
    holds(recordedAnswers, began(1), called(1, start()), runs, abandoning(1), rests, abandoned(1))
    holds(recordedAnswers, began(1), called(1, start()), runs, abandoning(1), removed, abandoned(1))
    holds(recordedAnswers, began(1), called(1, start()), runs, called(2, start()), abandoning(1), abandoned(1), ok(2))
    holds(recordedAnswers, began(1), called(1, start()), runs, ok(1), called(2, start()), abandoning(2), abandoned(2))
    holds(recordedAnswers, began(1), called(1, start()), runs, abandoning(1), closing(1), abandoned(1))
    holds(recordedAnswers, began(1), called(1, start()), runs, abandoning(1), 80_000, abandoned(1))
  })

  it("is broken by a start that is given up and stands", () => {
    breaks(recordedAnswers, /given up/, began(1), called(1, start()), runs, abandoning(1), 100, abandoned(1), rests)
  })
})
