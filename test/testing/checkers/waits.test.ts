import { describe, it } from "@effect/vitest"
import { deadlines } from "../../../src/testing/checkers/deadlines.ts"
import { nobodyForgotten } from "../../../src/testing/checkers/nobodyForgotten.ts"
import {
  abandoned,
  abandoning,
  acted,
  acting,
  began,
  booted,
  breaks,
  buried,
  called,
  closed,
  closing,
  crashed,
  failed,
  holds,
  it1,
  ok,
  record,
  recorded,
  settled,
  start,
  stop
} from "./tales.ts"

describe("deadlines kept", () => {
  it("holds where all is over in time", () => {
    holds(deadlines, began(1), 2_000, booted(1), called(1, start()), 180_000, failed(1, "timed_out"))
    holds(deadlines, began(1), called(1, start()), abandoning(1), 80_000, abandoned(1))
    holds(deadlines, began(1), acting(1, "start"), 40_000, acted(1, "interrupted"))
    holds(deadlines, began(1), recorded(record("running")), acting(1, "stop"), 29_000, acted(1))
    holds(deadlines, began(1), closing(1), 5_000, closed(1), began(2), crashed(2), 5_000, buried(2))
    holds(deadlines, began(1), acting(1, "start"), crashed(1), 1_000_000, settled())
  })

  it("is broken by a call that is answered late, or given up slowly", () => {
    breaks(deadlines, /start of a1 .* 180001 ms/i, began(1), called(1, start()), 180_001, failed(1, "timed_out"))
    breaks(deadlines, /giving up the start/i, began(1), called(1, start()), abandoning(1), 80_001, abandoned(1))
    breaks(deadlines, /giving up the stop/i, began(1), called(1, stop), abandoning(1), 1, abandoned(1))
  })

  it("is broken by a step without an end", () => {
    breaks(deadlines, /start of a1 took 46000 ms/, began(1), acting(1, "start"), 46_000, acted(1, "failed"))
    breaks(deadlines, /probe of a1, which goes on/, began(1), acting(1, "probe"), 100_000, settled())
  })

  it("is broken by a launcher that does not come or go", () => {
    breaks(deadlines, /to begin/, began(1), 20_000, booted(1))
    breaks(deadlines, /launcher 1's end/, began(1), closing(1), 30_000, closed(1))
    breaks(deadlines, /launcher 1's end/, began(1), crashed(1), 30_000, buried(1))
  })
})

describe("nobody forgotten", () => {
  it("holds where a call times out while something is done, or was a moment ago", () => {
    holds(nobodyForgotten, called(1, start()), acting(1, "image"), 180_000, failed(1, "timed_out"))
    holds(nobodyForgotten, called(1, start()), 140_000, acting(1, "probe"), acted(1), 40_000, failed(1, "timed_out"))
    holds(
      nobodyForgotten,
      ...[
        called(1, stop),
        170_000,
        { _tag: "Struck", fault: "recordFails", id: it1 } as const,
        9_000,
        failed(1, "timed_out")
      ]
    )
    holds(nobodyForgotten, called(1, start()), 180_000, ok(1))
  })

  it("is broken by a call that times out while nothing is done", () => {
    breaks(nobodyForgotten, /nothing was done for 180000 ms/, called(1, stop), 180_000, failed(1, "timed_out"))
    breaks(nobodyForgotten, /60000 ms/, called(1, stop), acting(1, "stop"), 5, acted(1), 60_000, failed(1, "timed_out"))
  })
})
