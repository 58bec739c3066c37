import { describe, it } from "@effect/vitest"
import { doneAnswers } from "../../../src/testing/checkers/doneAnswers.ts"
import {
  attach,
  attached,
  breaks,
  called,
  data,
  detach,
  detached,
  ended,
  failed,
  holds,
  it1,
  ok,
  remove,
  setAside,
  spawned,
  start,
  stop
} from "./tales.ts"

const up = [called(1, start()), spawned(1), ok(1)]

describe("an acknowledged command is done", () => {
  it("holds where the guest was as the answer says at some moment since the call", () => {
    holds(doneAnswers, ...up, called(2, stop), ended(1), ok(2), called(3, remove), ok(3))
    holds(doneAnswers, ...up, called(2, attach), attached(it1), ok(2), called(3, detach), detached(it1), ok(3))
    holds(doneAnswers, called(1, start()), spawned(1), ended(1), ok(1))
    holds(doneAnswers, called(1, attach), ok(1), called(2, start()), spawned(1, it1, { id: data }), ok(2))
  })

  it("holds where a command failed, where an end is news, and where the guest is nobody's", () => {
    holds(doneAnswers, called(1, start()), failed(1, "launch_failure"))
    holds(doneAnswers, ...up, ended(1), 900, called(2, start()), ok(2))
    holds(doneAnswers, ...up, setAside, called(2, start()), called(3, remove), ok(3))
  })

  it("is broken by an answer that came without the deed, or before it", () => {
    breaks(doneAnswers, /start of a1 .* not done/i, called(1, start()), ok(1), spawned(1))
    breaks(doneAnswers, /start of a1 .* not done/i, ...up, ended(1), 5_000, called(2, start()), ok(2))
    breaks(doneAnswers, /stop of a1/i, ...up, called(2, stop), ok(2), ended(1))
    breaks(doneAnswers, /delete of a1/i, ...up, called(2, remove), ok(2))
    breaks(doneAnswers, /attach of a1/i, ...up, called(2, attach), ok(2))
    breaks(doneAnswers, /detach of a1/i, ...up, attached(it1), called(2, detach), ok(2))
  })
})
