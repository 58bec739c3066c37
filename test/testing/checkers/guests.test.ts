import { describe, it } from "@effect/vitest"
import { exclusiveVolumes } from "../../../src/testing/checkers/exclusiveVolumes.ts"
import { oneGuest } from "../../../src/testing/checkers/oneGuest.ts"
import { provenEnds } from "../../../src/testing/checkers/provenEnds.ts"
import { recordedGuests } from "../../../src/testing/checkers/recordedGuests.ts"
import {
  attached,
  began,
  booted,
  breaks,
  crashed,
  data,
  detached,
  ended,
  holds,
  it1,
  it2,
  record,
  recorded,
  removed,
  setAside,
  spawned
} from "./tales.ts"

const launching = recorded(record("running", { boot: 1 }))

describe("one guest for each instance", () => {
  it("holds where each begins after the one before", () => {
    holds(oneGuest, spawned(1), spawned(2, it2), ended(1), spawned(3))
  })

  it("is broken by a second one, also under the next launcher", () => {
    breaks(oneGuest, /guest 2 begins beside guest 1/, spawned(1), spawned(2))
    breaks(oneGuest, /guest 2 begins beside guest 1/, began(1), spawned(1), crashed(1), began(2), spawned(2))
    breaks(oneGuest, /guest 3 begins beside guest 2/, spawned(1), ended(1), spawned(2), ended(1), spawned(3))
  })
})

describe("a writable volume in one guest only", () => {
  it("holds where it changes hands, or is only read", () => {
    holds(exclusiveVolumes, spawned(1, it1, { id: data }), ended(1), spawned(2, it2, { id: data }))
    holds(exclusiveVolumes, spawned(1), spawned(2, it2), attached(it1), detached(it1), attached(it2))
    holds(exclusiveVolumes, spawned(1, it1, { id: data, readOnly: true }), spawned(2, it2), attached(it2, true))
  })

  it("holds where nobody knows any more what a guest has", () => {
    holds(exclusiveVolumes, spawned(1, it1, { id: data }), setAside, spawned(2, it2, { id: data }))
  })

  it("is broken by two guests that have it", () => {
    breaks(exclusiveVolumes, /data is given to b2/, spawned(1, it1, { id: data }), spawned(2, it2, { id: data }))
    breaks(exclusiveVolumes, /data is given to a1/, spawned(1), spawned(2, it2), attached(it2), attached(it1))
    breaks(
      exclusiveVolumes,
      /data is given to b2/,
      spawned(1, it1, { id: data, readOnly: true }),
      spawned(2, it2),
      attached(it2)
    )
    breaks(
      exclusiveVolumes,
      /data/,
      spawned(1, it1, { id: data }),
      setAside,
      ended(1),
      spawned(2),
      attached(it1),
      spawned(3, it2, { id: data })
    )
  })
})

describe("no guest without a record", () => {
  it("holds where the record is there first, and outlives the guest", () => {
    holds(recordedGuests, began(1), booted(1), launching, spawned(1), ended(1), removed)
  })

  it("holds where a record can not be read, and that is told", () => {
    holds(
      recordedGuests,
      began(1),
      booted(1),
      launching,
      spawned(1),
      crashed(1),
      began(2),
      setAside,
      booted(2, it1),
      // A start that finds its guest there, and is refused.
      recorded(record("running")),
      removed
    )
  })

  it("holds where such a guest is adopted, which is to be on record from then on", () => {
    const orphaned = [
      began(1),
      booted(1),
      launching,
      spawned(1),
      crashed(1),
      began(2),
      setAside,
      booted(2, it1),
      launching
    ]
    holds(recordedGuests, ...orphaned)
    breaks(recordedGuests, /removed while guest 1 lives/, ...orphaned, removed)
  })

  it("is broken by a guest that no record told of before", () => {
    breaks(recordedGuests, /without a record/, spawned(1))
    breaks(recordedGuests, /says that 0 was launched/, recorded(record("running")), spawned(1))
    breaks(recordedGuests, /without a record/, launching, removed, spawned(1))
  })

  it("is broken by a record that goes before its guest", () => {
    breaks(recordedGuests, /removed while guest 1 lives/, launching, spawned(1), removed)
  })

  it("is broken by a record that is set aside in silence, or was not", () => {
    breaks(recordedGuests, /nobody was told/, began(1), launching, crashed(1), began(2), setAside, booted(2))
    breaks(recordedGuests, /was not set aside/, began(1), booted(1, it1))
  })
})

describe("no end without proof", () => {
  const exit = (tag: "Exited" | "Stopped") =>
    recorded(
      record("stopped", { boot: 1, ended: { epoch: 1, outcome: { _tag: tag, status: { _tag: "PoweredOff" } } } })
    )
  const failure = recorded(record("stopped", {
    boot: 1,
    ended: { epoch: 1, outcome: { _tag: "Failed", phase: "connect", code: "launch_failure", detail: "silent" } }
  }))

  it("holds where a guest has ended before that is recorded, and where its start failed", () => {
    holds(provenEnds, launching, spawned(1), ended(1), exit("Exited"))
    holds(provenEnds, launching, spawned(1), failure)
    holds(provenEnds, launching, spawned(1), ended(1), exit("Exited"), spawned(2), exit("Exited"))
  })

  it("is broken by a recorded end of a guest that lives", () => {
    breaks(provenEnds, /guest 1 lives/, launching, spawned(1), exit("Exited"))
    breaks(provenEnds, /guest 1 lives/, launching, spawned(1), exit("Stopped"))
  })
})
