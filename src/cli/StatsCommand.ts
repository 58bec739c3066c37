/**
 * `viv stats` and `viv top`
 */
import { Console, Effect, Stdio, Stream, Terminal } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type InstanceUsage, type NodeStatistics, NodeStatistics as Statistics } from "../domain/NodeStatus.ts"
import type { CliFailure } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import * as Flags from "./Flags.ts"
import { abbreviated, stateName } from "./InstanceText.ts"
import { encode } from "./Json.ts"
import { type Answer, type Output, output, tell, tellOne } from "./Output.ts"
import { Screen } from "./Screen.ts"
import { type Column, table } from "./Table.ts"
import { find } from "./Target.ts"
import { bytes, count, elide, percent } from "./Text.ts"

const columnsOf = (ids: ReadonlyMap<string, string>): ReadonlyArray<Column<InstanceUsage>> => [
  { title: "ID", of: ({ id }) => ids.get(id) ?? id },
  { title: "NAME", of: ({ name }) => name ?? "-", shrinks: true },
  { title: "STATE", of: ({ state }) => stateName(state) },
  { title: "CPU", of: ({ stats }) => percent(stats.cpuRatio), right: true },
  { title: "MEMORY", of: ({ stats }) => bytes(stats.memoryBytes), right: true },
  { title: "DISK", of: ({ stats }) => bytes(stats.diskAllocatedBytes), right: true, leaveOut: 1 },
  { title: "OF", of: ({ stats }) => bytes(stats.diskVirtualBytes), right: true, leaveOut: 2 }
]

const usageTable = (all: ReadonlyArray<InstanceUsage>, width: number | undefined): ReadonlyArray<string> =>
  table(columnsOf(abbreviated(all.map(({ id }) => id))), all, width)

const picked = Effect.fnUntraced(function*(references: ReadonlyArray<string>) {
  const daemon = yield* Daemon
  const infos = yield* Effect.forEach(references, (reference) => find(daemon, reference), { concurrency: 8 })
  const statistics = yield* daemon.statistics
  const ids = new Set(infos.map(({ spec }) => spec.id))
  return ids.size === 0
    ? statistics
    : { ...statistics, instances: statistics.instances.filter(({ id }) => ids.has(id)) }
})

const some = Argument.String("instance").pipe(
  Argument.withDescription("Names, ids, or the beginnings of ids (default: all)"),
  Argument.variadic()
)

export const stats = Command.make("stats", { instances: some }, ({ instances }) =>
  connected(Effect.gen(function*() {
    const statistics = yield* picked(instances)
    yield* tell(yield* output, {
      human: (width) => usageTable(statistics.instances, width),
      json: () => encode(Statistics, statistics),
      ids: () => statistics.instances.map(({ id }) => id)
    })
  }))).pipe(
    Command.withDescription(
      "What instances use now: processor time per vCPU since it was measured last (100% is all of its vCPUs), physical memory, and what " +
        "their disks take up of their size. A dash is not known."
    ),
    Command.withShortDescription("What instances use now"),
    Command.withExamples([{ command: "viv stats" }, { command: "viv stats web-1 --json" }])
  )

const summary = ({ instances, node, status }: NodeStatistics): ReadonlyArray<string> => [
  [
    node?.hostname ?? "this node",
    status.condition._tag.toLowerCase(),
    count(instances.length, "instance"),
    ...(node === undefined ? [] : [
      `load ${node.loadAverage.toFixed(2)} of ${node.cpusOnline}`,
      `memory ${bytes(node.memoryAvailableBytes)} free`,
      `disk ${bytes(node.diskAvailableBytes)} free`
    ])
  ].join(" · "),
  ""
]

/** The busiest first; those of the same work in the order of their ids. */
const byWork = (statistics: NodeStatistics): NodeStatistics => ({
  ...statistics,
  instances: statistics.instances.toSorted((a, b) =>
    (b.stats.cpuRatio ?? -1) - (a.stats.cpuRatio ?? -1) || (b.stats.memoryBytes ?? 0) - (a.stats.memoryBytes ?? 0)
  )
})

const answer = (statistics: NodeStatistics): Answer => ({
  human: (width) => [
    ...summary(statistics).map((line) => width === undefined ? line : elide(line, width)),
    ...usageTable(statistics.instances, width)
  ],
  json: () => encode(Statistics, statistics),
  ids: () => statistics.instances.map(({ id }) => id)
})

/** Draws over the whole screen, on a page of its own, until q or Ctrl-C. */
const watch = Effect.fnUntraced(function*(out: Output, every: number, next: Effect.Effect<NodeStatistics, CliFailure>) {
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const { raw } = yield* Screen
  const write = (text: string) => Effect.ignore(Stream.run(Stream.succeed(text), stdio.stdout()))
  yield* Effect.acquireRelease(write("\u001b[?1049h\u001b[?25l"), () => write("\u001b[?25h\u001b[?1049l"))
  yield* raw
  const draw = Effect.gen(function*() {
    const statistics = yield* next
    const height = (yield* terminal.rows) || 24
    const columns = (yield* terminal.columns) || out.columns
    const lines = [...answer(statistics).human(columns)].slice(0, height - 2)
    yield* write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\r\n\u001b[J\r\nq: quit`)
  })
  const isEnd = (key: number) => key === 0x71 || key === 3 || key === 4
  const keys = Stream.runForEachWhile(stdio.stdin, (chunk) => Effect.succeed(!chunk.some(isEnd)))
  yield* Effect.raceFirst(
    draw.pipe(Effect.delay(0), Effect.andThen(Effect.sleep(every * 1_000)), Effect.forever),
    keys
  )
})

export const top = Command.make(
  "top",
  {
    every: Flag.Finite("every").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDescription("How often it is measured"),
      Flag.filter((seconds) => seconds >= 0.1, (seconds) => `${seconds} is too often: 0.1 seconds or more`),
      Flag.withDefault(2)
    ),
    once: Flags.toggle("once", "Measure twice, tell once, and end")
  },
  ({ every, once }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const out = yield* output
      const stdio = yield* Stdio.Stdio
      const next = Effect.map(daemon.statistics, byWork)
      if (once) {
        // Processor time is what was used since the measurement before.
        yield* next
        yield* Effect.sleep(every * 1_000)
        return yield* tell(out, answer(yield* next))
      }
      if (out.mode === "human" && out.columns !== undefined && (yield* stdio.stdinIsTerminal)) {
        return yield* watch(out, every, next)
      }
      return yield* next.pipe(
        Effect.flatMap((statistics) => tellOne(out, answer(statistics))),
        Effect.andThen(out.mode === "human" ? Console.log("") : Effect.void),
        Effect.andThen(Effect.sleep(every * 1_000)),
        Effect.forever
      )
    }))
).pipe(
  Command.withDescription(
    "Watch what instances use, the busiest first. q or Ctrl-C ends it. With --json one document a line."
  ),
  Command.withShortDescription("Watch what instances use"),
  Command.withExamples([{ command: "viv top" }, {
    command: "viv top --once --json",
    description: "Once, for a program"
  }])
)
