import { describe, it } from "@effect/vitest"
import type { NodeStatistics } from "../../../src/domain/NodeStatus.ts"
import { type Tag, tags } from "../../../src/domain/InstanceState.ts"
import type { NodeRecord } from "../../../src/launcher/NodeRecord.ts"
import { balancedBooks } from "../../../src/testing/checkers/balancedBooks.ts"
import { maintenance } from "../../../src/testing/checkers/maintenance.ts"
import type { Call, Occurrence } from "../../../src/testing/History.ts"
import {
  abandoned,
  began,
  breaks,
  called,
  ended,
  holds,
  info,
  it1,
  ok,
  record,
  recorded,
  removed,
  running,
  spawned,
  start,
  stop,
  stopped
} from "./tales.ts"

const node = (more: Partial<NodeRecord>): Occurrence => ({
  _tag: "NodeRecorded",
  record: { version: 1, maintenance: false, task: null, ...more }
})
const evacuate: Call = { _tag: "Evacuate" }
const restart: Call = { _tag: "Restart", id: it1 }
const closed = node({ maintenance: true, task: "evacuation" })
const emptied = node({ maintenance: true })
const evacuated = (call: number): Occurrence => ({
  _tag: "Answered",
  call,
  answer: { ok: true, removals: [{ what: "instance", name: it1, failure: undefined, done: 1, total: 1 }] }
})

describe("a node in maintenance starts nothing", () => {
  it("holds for what was asked for before, for policies, and once it is restored", () => {
    holds(maintenance, began(1), called(1, start()), closed, 100, recorded(record("running")))
    holds(maintenance, began(1), closed, 100, recorded(record("running", { epoch: 2, restarts: 1 })))
    holds(maintenance, began(1), closed, 100, node({}), called(1, start()), recorded(record("running")))
    holds(maintenance, began(1), closed, 100, called(1, start()))
  })

  it("is broken by a start, or a restart, that is asked for there", () => {
    breaks(
      maintenance,
      /a1 is created or started \(1\)/,
      began(1),
      closed,
      100,
      called(1, start()),
      recorded(record("running"))
    )
    breaks(
      maintenance,
      /a1 is created or started \(3\)/,
      began(1),
      recorded(record("running", { epoch: 2, boot: 2 })),
      node({ task: "reset" }),
      100,
      called(1, restart),
      recorded(record("running", { epoch: 3, boot: 2 }))
    )
  })

  it("holds for an evacuation that removed what it says, and is broken by one that did not", () => {
    const runs = [began(1), recorded(record("running", { boot: 1 })), spawned(7), called(1, evacuate), closed]
    holds(maintenance, ...runs, ended(7), removed, emptied, evacuated(1))
    breaks(maintenance, /was removed \(1\), and guest 7 lives/, ...runs, emptied, evacuated(1))
  })
})

/** What a launcher tells of one instance. */
const told = (call: number, memoryBytes: number, state = running): Occurrence => {
  const none: Partial<Record<Tag, number>> = {}
  for (const tag of tags) none[tag] = 0
  const statistics: NodeStatistics = {
    atMillis: 0,
    status: {
      incarnation: 1,
      condition: { _tag: "Ready" },
      task: null,
      instances: none as Record<Tag, number>,
      reserved: { memoryBytes, vcpus: state === running ? 1 : 0, diskBytes: 0 },
      unreadable: []
    },
    instances: [{ id: it1, state, volumes: [], sshPort: 0, stats: {} }]
  }
  return { _tag: "Answered", call, answer: { ok: true, statistics } }
}
const memoryBytes = Number(info(running).spec.memory)
const statistics: Call = { _tag: "Statistics" }

describe("the books are the sum over the instances", () => {
  const up = [began(1), recorded(record("running", { boot: 1 })), called(1, statistics)]

  it("holds where they are, and where somebody asks for something", () => {
    holds(balancedBooks, ...up, told(1, memoryBytes))
    holds(balancedBooks, ...up, told(1, 0, stopped))
    holds(balancedBooks, ...up, called(2, stop), told(1, memoryBytes), ok(2))
    holds(balancedBooks, ...up, called(2, evacuate), told(1, memoryBytes, stopped), abandoned(2))
  })

  it("is broken by what is not given back, and by what was never taken", () => {
    breaks(balancedBooks, /hold from 0 to 0/, ...up, told(1, memoryBytes, stopped))
    breaks(balancedBooks, /say 7 for memoryBytes/, ...up, told(1, 7))
  })
})
