/**
 * The bench: `main.ts [NAME] [--json]`. Without a name, all of them; with `--json`, an array of rows and nothing else on
 * standard output. It measures the built package. That a goal is missed is told, and is no failure.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer, Logger, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { adopt } from "./adopt.ts"
import { virtualClock } from "./clock.ts"
import * as Container from "./container.ts"
import { table } from "./Row.ts"
import { destroyOverhead, startOverhead } from "./vm.ts"

const benches = {
  "vm-start-overhead": startOverhead,
  "vm-destroy-overhead": destroyOverhead,
  "adopt-20-vms": adopt,
  "container-start-overhead": Container.startOverhead,
  "container-exit-event": Container.exitEvent,
  "adopt-20-containers": Container.adoptContainers,
  "watch-100-containers": Container.watchContainers,
  "virtual-clock-20k-vs-testclock": virtualClock
}

const names = [
  "vm-start-overhead",
  "vm-destroy-overhead",
  "adopt-20-vms",
  "container-start-overhead",
  "container-exit-event",
  "adopt-20-containers",
  "watch-100-containers",
  "virtual-clock-20k-vs-testclock"
] as const

const bench = Command.make(
  "bench",
  {
    name: Argument.Literals("name", names).pipe(Argument.optional),
    json: Flag.Boolean("json").pipe(Flag.withDefault(false))
  },
  Effect.fnUntraced(function*({ json, name }) {
    const chosen = Option.match(name, { onNone: () => names, onSome: (name) => [name] })
    const rows = yield* Effect.forEach(
      chosen,
      Effect.fnUntraced(function*(name) {
        yield* Console.error(`measuring ${name}`)
        return yield* benches[name]
      })
    )
    yield* Console.log(json ? JSON.stringify(rows.flat()) : table(rows.flat()))
  })
)

Command.run(bench, { version: "0.1.0" }).pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
