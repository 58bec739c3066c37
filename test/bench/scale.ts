/**
 * What a launcher's own work costs, by the number of its instances, which are simulated. Every measurement has a process of its own,
 * since what a heap has been through shows in what comes after.
 */
import { Effect, FileSystem, Path, Schema, Struct } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { median, row } from "./Row.ts"

/** How often a measurement is repeated, the others in between: whatever else the machine does then falls on all of them. */
const rounds = 3

const run = Effect.fnUntraced(function*<S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  what: string,
  count: number,
  ...more: ReadonlyArray<string>
) {
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const program = yield* path.fromFileUrl(new URL("scaleProcess.ts", import.meta.url))
  const said = yield* spawner.string(
    ChildProcess.make(process.execPath, ["--expose-gc", program, what, `${count}`, ...more], { stderr: "inherit" })
  )
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(said)
})

const Each = Schema.Struct({ micros: Schema.Finite, cpuMicros: Schema.Finite })
const Starts = Schema.Struct({ start: Each, remove: Each })
const Memory = Schema.Struct({ rssBytes: Schema.Finite, heapBytes: Schema.Finite })
const Adoption = Schema.Struct({ millis: Schema.Finite, cpuMillis: Schema.Finite })

const counts = { "1k": 1_000, "10k": 10_000, "50k": 50_000 } as const

type Size = keyof typeof counts

const sizes = Struct.keys(counts)

/**
 * `sim-start-1k`, `-10k`, `-50k`: one start among so many, its instance accepted, recorded in memory and running. `sim-start-growth`
 * is the last over the first. Then all of them are deleted.
 */
export const starts = Effect.gen(function*() {
  const found = { "1k": [], "10k": [], "50k": [] } as Record<Size, Array<typeof Starts.Type>>
  for (let round = 0; round < rounds; round++) {
    for (const size of sizes) found[size].push(yield* run(Starts, "starts", counts[size]))
  }
  const middle = (size: Size, of: "start" | "remove", by: "micros" | "cpuMicros") =>
    median(found[size].map((one) => one[of][by]))
  const micros = (size: Size) => middle(size, "start", "micros")
  return [
    ...sizes.flatMap((size) => [
      // The goal is what the seed system's launcher takes, written in Go.
      row(`sim-start-${size}`, "µs", micros(size), size === "10k" ? 399 : null),
      row(`sim-start-${size}.cpu`, "µs", middle(size, "start", "cpuMicros")),
      row(`sim-start-${size}.delete`, "µs", middle(size, "remove", "micros")),
      row(`sim-start-${size}.delete-cpu`, "µs", middle(size, "remove", "cpuMicros"))
    ]),
    row("sim-start-growth", "ratio", micros("50k") / micros("1k"), 1.3)
  ]
})

/** `sim-memory-per-instance`: what each of many idle running instances adds to the process, all garbage collected. */
export const memory = Effect.gen(function*() {
  const at10k = yield* run(Memory, "memory", 10_000)
  const at50k = yield* run(Memory, "memory", 50_000)
  return [
    row("sim-memory-per-instance", "B", at10k.rssBytes, 8_192),
    row("sim-memory-per-instance.heap", "B", at10k.heapBytes),
    row("sim-memory-per-instance.50k", "B", at50k.rssBytes, 8_192),
    row("sim-memory-per-instance.50k-heap", "B", at50k.heapBytes)
  ]
})

/**
 * `status-report-10k`: the node's status and statistics with all that so many running instances use. `.delay` is what a command
 * takes longer while a report is under way.
 */
export const report = Effect.map(
  run(Schema.Struct({ reportMillis: Schema.Finite, delayMillis: Schema.Finite }), "report", 10_000),
  ({ delayMillis, reportMillis }) => [
    row("status-report-10k", "ms", reportMillis, 20),
    row("status-report-10k.delay", "ms", delayMillis)
  ]
)

/** `sim-readopt-10k`: a new process's launcher finds the records of running guests on disk, and takes hold of the guests. */
export const readopt = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-bench-" })
  const count = 10_000
  yield* run(Schema.Struct({}), "record", count, directory)
  const synced: Array<typeof Adoption.Type> = []
  const unsynced: Array<typeof Adoption.Type> = []
  for (let round = 0; round < rounds; round++) {
    synced.push(yield* run(Adoption, "adoption", count, directory))
    unsynced.push(yield* run(Adoption, "adoption-unsynced", count, directory))
  }
  return [
    row("sim-readopt-10k", "ms", median(synced.map(({ millis }) => millis)), 1_000),
    row("sim-readopt-10k.cpu", "ms", median(synced.map(({ cpuMillis }) => cpuMillis))),
    row("sim-readopt-10k.unsynced", "ms", median(unsynced.map(({ millis }) => millis)))
  ]
}).pipe(Effect.scoped)
