/**
 * The bench: `main.ts [NAME] [--json]`. Without a name, all of them; with `--json`, an array of rows and nothing else on
 * standard output. It measures the built package. That a goal is missed is told, and is no failure.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer, Logger, Option, Struct } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { adopt } from "./adopt.ts"
import * as cli from "./cli.ts"
import { virtualClock } from "./clock.ts"
import * as Container from "./container.ts"
import * as daemon from "./daemon.ts"
import { type Row, table } from "./Row.ts"
import * as scale from "./scale.ts"
import { destroyOverhead, startOverhead } from "./vm.ts"

/** What measures, by the names of what it measures. */
const benches = {
  "vm-start-overhead": startOverhead,
  "vm-destroy-overhead": destroyOverhead,
  "adopt-20-vms": adopt,
  "container-start-overhead": Container.startOverhead,
  "container-exit-event": Container.exitEvent,
  "adopt-20-containers": Container.adoptContainers,
  "watch-100-containers": Container.watchContainers,
  "virtual-clock-20k-vs-testclock": virtualClock,
  "sim-start-1k": scale.starts,
  "sim-start-10k": scale.starts,
  "sim-start-50k": scale.starts,
  "sim-start-growth": scale.starts,
  "sim-memory-per-instance": scale.memory,
  "sim-readopt-10k": scale.readopt,
  "status-report-10k": scale.report,
  "api-get": daemon.api,
  "api-page-100": daemon.api,
  "api-list-10k": daemon.api,
  "api-create": daemon.api,
  "daemon-memory": daemon.api,
  "sse-1000": daemon.sse,
  "daemon-restart-20": daemon.restart,
  "cli-version": cli.version,
  "cli-ls": cli.ls
}

const bench = Command.make(
  "bench",
  {
    name: Argument.Literals("name", Struct.keys(benches)).pipe(Argument.optional),
    json: Flag.Boolean("json").pipe(Flag.withDefault(false))
  },
  Effect.fnUntraced(function*({ json, name }) {
    const chosen = Option.match(name, { onNone: () => Struct.keys(benches), onSome: (name) => [name] })
    // What one bench measures under several names is measured once.
    const once = chosen.filter((name, index) => chosen.findIndex((one) => benches[one] === benches[name]) === index)
    const rows: Array<Row> = []
    for (const name of once) {
      yield* Console.error(`measuring ${name}`)
      rows.push(...yield* benches[name])
    }
    yield* Console.log(json ? JSON.stringify(rows) : table(rows))
  })
)

Command.run(bench, { version: "0.1.0" }).pipe(
  Effect.provide([NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)]),
  NodeRuntime.runMain
)
