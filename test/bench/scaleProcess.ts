/**
 * One measurement of many simulated instances, in a process of its own: `scaleProcess.ts WHAT COUNT [DIRECTORY]`. Tells what it found
 * as a line of JSON.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as SimulatedScale from "./SimulatedScale.ts"

const { adoption, memory, record, starts } = SimulatedScale

const measure = Command.make(
  "scaleProcess",
  {
    what: Argument.Literals("what", ["starts", "memory", "record", "adoption", "adoption-unsynced"]),
    count: Argument.Int("count"),
    directory: Argument.String("directory").pipe(Argument.withDefault("/nowhere"))
  },
  Effect.fnUntraced(function*({ count, directory, what }) {
    const found = yield* {
      starts: starts(count),
      memory: memory(count),
      record: record(directory, count),
      adoption: adoption(directory, count, true),
      "adoption-unsynced": adoption(directory, count, false)
    }[what]
    yield* Console.log(JSON.stringify(found ?? {}))
  })
)

Command.run(measure, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
