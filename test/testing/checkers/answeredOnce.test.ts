import { describe, it } from "@effect/vitest"
import { answeredOnce } from "../../../src/testing/checkers/answeredOnce.ts"
import {
  abandoned,
  abandoning,
  breaks,
  called,
  crashed,
  failed,
  holds,
  ok,
  remove,
  settled,
  start,
  stop
} from "./tales.ts"

describe("answered exactly once", () => {
  it("holds where every call is answered, given up, or lost with its launcher", () => {
    holds(answeredOnce, called(1, start()), called(2, stop), ok(2), failed(1, "superseded"), settled())
    holds(answeredOnce, called(1, start()), abandoning(1), abandoned(1), settled())
    holds(answeredOnce, called(1, start()), abandoning(1), ok(1), settled())
    holds(answeredOnce, called(1, start()), crashed(1), called(2, stop, 2), ok(2), settled())
    holds(answeredOnce, called(1, start()))
  })

  it("is broken by a call that is not answered", () => {
    breaks(answeredOnce, /never answered/, called(1, start()), called(2, stop), ok(2), settled())
  })

  it("is broken by a second answer", () => {
    breaks(answeredOnce, /not open/, called(1, start()), ok(1), ok(1))
    breaks(answeredOnce, /not open/, called(1, start()), abandoning(1), abandoned(1), ok(1))
    breaks(answeredOnce, /given up when it was not open/, called(1, start()), ok(1), abandoned(1))
  })

  it("is broken by an answer of a launcher that crashed", () => {
    breaks(answeredOnce, /not open/, called(1, start()), crashed(1), ok(1))
  })

  it("is broken by a code that the command can not have, and by a launcher that broke", () => {
    breaks(answeredOnce, /superseded, which it can not be/, called(1, remove), failed(1, "superseded"))
    breaks(answeredOnce, /image_failure, which it can not be/, called(1, stop), failed(1, "image_failure"))
    breaks(answeredOnce, /defect/, called(1, start()), failed(1, "defect"))
  })
})
