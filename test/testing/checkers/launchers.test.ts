import { describe, it } from "@effect/vitest"
import { deadLaunchers } from "../../../src/testing/checkers/deadLaunchers.ts"
import { hostRules } from "../../../src/testing/checkers/hostRules.ts"
import { nothingRunsOn } from "../../../src/testing/checkers/nothingRunsOn.ts"
import { revisions } from "../../../src/testing/checkers/revisions.ts"
import {
  acting,
  began,
  breaks,
  buried,
  closed,
  crashed,
  ended,
  holds,
  it1,
  record,
  recorded,
  removed,
  running,
  setAside,
  settled,
  spawned,
  told
} from "./tales.ts"

const write = (revision: number, isHeard = true) => recorded(record("running", { revision }), isHeard)

/** So many launchers crash, and are refused so much each. */
const crashes = (count: number, refused: number) =>
  Array.from({ length: count }, (_, index) => [began(index + 1), crashed(index + 1), buried(index + 1, refused)]).flat()

describe("revisions grow by one", () => {
  it("holds through crashes, removals, and writes that nobody heard of", () => {
    holds(revisions, began(1), write(1), write(2), removed, write(1), began(2), write(2), setAside, write(1))
    holds(revisions, began(1), write(1), write(2, false), write(2), write(3))
    holds(revisions, began(1), write(1), write(2, false), began(2), write(3))
    const unheard = { _tag: "Removed", id: it1, isHeard: false } as const
    holds(revisions, began(1), write(1), unheard, write(2))
    holds(revisions, began(1), write(1), unheard, write(1), write(2))
    holds(revisions, began(1), write(1), unheard, write(1, false), write(1), write(2))
  })

  it("is broken by a writer that does not know what is there", () => {
    breaks(revisions, /revision 2 follows 2/, began(1), write(1), write(2), write(2))
    breaks(revisions, /revision 4 follows 2/, began(1), write(1), write(2), write(4))
    breaks(revisions, /revision 2 follows 0/, began(1), write(2))
    breaks(revisions, /revision 2 follows 2/, began(1), write(1), write(2, false), began(2), write(2))
  })
})

describe("a dead launcher does nothing", () => {
  it("holds where each does what it does in its time, and is refused the rest", () => {
    holds(
      deadLaunchers,
      began(1),
      write(1),
      spawned(1),
      acting(1, "probe"),
      told(1, running),
      crashed(1),
      ended(1),
      buried(1),
      began(2),
      write(2)
    )
    holds(deadLaunchers, began(1), closed(1), began(2), settled())
    holds(deadLaunchers, ...crashes(30, 1), settled())
    holds(deadLaunchers, ...crashes(3, 0), settled())
  })

  it("is broken by what is done after a death", () => {
    breaks(deadLaunchers, /the record of a1 is written/, began(1), crashed(1), write(1))
    breaks(deadLaunchers, /the record of a1 is written/, began(1), closed(1), removed)
    breaks(deadLaunchers, /guest 1 of a1 begins/, began(1), crashed(1), spawned(1))
    breaks(deadLaunchers, /asks for start of a1/, began(1), crashed(1), began(2), acting(1, "start", 1))
    breaks(deadLaunchers, /tells event 1/, began(1), crashed(1), told(1, running))
  })

  it("is broken by two launchers at once, and by one that does not go", () => {
    breaks(deadLaunchers, /begins while 1 lives/, began(1), began(2))
    breaks(deadLaunchers, /has not gone/, began(1), crashed(1), began(2), settled())
  })

  it("is broken by many crashes after which nothing was refused", () => {
    breaks(deadLaunchers, /none was refused/, ...crashes(30, 0), settled())
  })
})

describe("no fiber or timer left", () => {
  it("holds where nothing is", () => {
    holds(nothingRunsOn, began(1), closed(1), began(2), crashed(2), buried(2))
  })

  it("is broken by each", () => {
    breaks(nothingRunsOn, /left 1 fibers/, closed(1, 1))
    breaks(nothingRunsOn, /2 timers/, closed(1, 0, 2))
    breaks(nothingRunsOn, /left 3 fibers/, crashed(1), buried(1, 0, 3))
  })
})

describe("the host's rules", () => {
  it("are broken by what the host complains of", () => {
    holds(hostRules, spawned(1))
    breaks(hostRules, /two monitors of a1/, { _tag: "Violated", detail: "two monitors of a1" })
  })
})
