import { describe, it } from "@effect/vitest"
import { asDesired } from "../../../src/testing/checkers/asDesired.ts"
import { checkers } from "../../../src/testing/checkers/index.ts"
import {
  acted,
  acting,
  added,
  began,
  booted,
  breaks,
  called,
  data,
  ended,
  holds,
  info,
  it1,
  ok,
  record,
  recorded,
  remains,
  remove,
  removed,
  running,
  settled,
  snapshot,
  spawned,
  start,
  stopped,
  told
} from "./tales.ts"

const guest = { pid: 1, paused: false, volumes: [] }
const paused = { _tag: "Paused" } as const
const exit = { epoch: 1, outcome: { _tag: "Exited", status: { _tag: "PoweredOff" } } } as const
const held = { _tag: "Held", id: it1 } as const

describe("as desired in the end", () => {
  it("holds for what runs, is paused, rests, or is gone", () => {
    holds(
      asDesired,
      settled({ record: record("running"), info: info(running), guest, remains: ["image", "disk", "guest"] })
    )
    holds(asDesired, settled({ record: record("paused"), info: info(paused), guest: { ...guest, paused: true } }))
    holds(asDesired, settled({ record: record("stopped"), info: info(stopped), remains: ["disk"] }))
    holds(
      asDesired,
      settled({
        record: record("stopped", { ended: exit }),
        info: info({ _tag: "Exited", status: exit.outcome.status })
      })
    )
    holds(asDesired, settled({ record: record("stopped", { ended: exit, epoch: 2 }), info: info(stopped) }))
    holds(asDesired, settled())
  })

  it("holds for a guest that stopped by itself", () => {
    holds(
      asDesired,
      held,
      settled({ record: record("running"), info: info(paused), guest: { ...guest, paused: true } })
    )
  })

  it("is broken by each thing that is not as desired", () => {
    breaks(asDesired, /has no guest/, settled({ record: record("running"), info: info(running) }))
    breaks(
      asDesired,
      /wanted stopped, and guest 1 lives/,
      settled({ record: record("stopped"), info: info(stopped), guest })
    )
    breaks(asDesired, /wanted deleted/, settled({ record: record("deleted"), info: info({ _tag: "Stopping" }) }))
    breaks(asDesired, /its guest is not paused/, settled({ record: record("paused"), info: info(running), guest }))
    const isPaused = { record: record("running"), info: info(paused), guest: { ...guest, paused: true } }
    breaks(asDesired, /its guest is paused/, settled(isPaused))
    breaks(asDesired, /its guest is paused/, held, spawned(2), settled(isPaused))
    const volumes = [{ id: data }]
    breaks(
      asDesired,
      /with volumes data/,
      settled({ record: record("running", { volumes }), info: info(running), guest })
    )
    breaks(
      asDesired,
      /its guest has data/,
      settled({ record: record("running"), info: info(running), guest: { ...guest, volumes: [data] } })
    )
    breaks(
      asDesired,
      /half done: partial disk/,
      settled({ record: record("running"), info: info(running), guest, remains: ["partial disk"] })
    )
    holds(asDesired, settled({ record: record("stopped"), info: info(stopped), remains: ["partial disk"] }))
  })

  it("is broken by a launcher that shows something else", () => {
    breaks(asDesired, /is not shown/, settled({ record: record("stopped") }))
    breaks(asDesired, /not on record, and is shown/, settled({ info: info(stopped) }))
    breaks(
      asDesired,
      /is Exited by its record/,
      settled({ record: record("stopped", { ended: exit }), info: info(stopped) })
    )
    breaks(
      asDesired,
      /shown as Stopping/,
      settled({ record: record("running"), info: info({ _tag: "Stopping" }), guest })
    )
  })

  it("is broken by what nobody has on record", () => {
    breaks(asDesired, /not on record, and guest 1 lives/, settled({ guest }))
    breaks(asDesired, /still: disk/, settled({ remains: ["disk"] }))
  })
})

describe("all checkers", () => {
  it("have nothing to say against a life in which all goes well", () => {
    const at = { revision: 2, boot: 1 }
    for (const checker of checkers) {
      holds(
        checker,
        ...[
          began(1),
          10,
          booted(1),
          snapshot(0),
          called(1, start()),
          recorded(record("running")),
          added(1, { _tag: "Pending" })
        ],
        ...[
          acting(1, "create"),
          50,
          acted(1),
          told(2, { _tag: "Starting" }),
          recorded(record("running", at)),
          acting(2, "start")
        ],
        ...[
          spawned(1),
          20,
          acted(2),
          told(3, running),
          ok(1),
          called(2, remove),
          recorded(record("deleted", { ...at, revision: 3 }))
        ],
        ...[
          told(4, { _tag: "Stopping" }),
          acting(3, "quit"),
          ended(1),
          acted(3),
          acting(4, "deleteImage"),
          acted(4),
          removed
        ],
        ...[told(5, "Deleted"), ok(2), remains(), settled()]
      )
    }
  })
})
