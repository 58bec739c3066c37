/**
 * `viv version`
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { output, tell } from "./Output.ts"
import { toJson } from "./Report.ts"
import { listing } from "./Table.ts"
import { version as own } from "../api/Version.ts"

export const version = Command.make("version", {}, () =>
  Effect.gen(function*() {
    // Its own version viv knows also where there is no daemon.
    const daemon = yield* Effect.result(connected(Effect.flatMap(Daemon, (daemon) =>
      Effect.map(daemon.version, (version) => ({ version, host: daemon.endpoint.name })))))
    yield* tell(yield* output, {
      human: () =>
        listing([
          ["viv", own],
          [
            "vivd",
            daemon._tag === "Success" ? `${daemon.success.version} at ${daemon.success.host}` : daemon.failure.detail
          ]
        ]),
      json: () => ({
        viv: own,
        vivd: daemon._tag === "Success" ? daemon.success : { error: toJson(daemon.failure) }
      }),
      ids: () => [own]
    })
  })).pipe(
    Command.withDescription("The versions of viv and of the daemon. viv --version tells viv's alone, and asks nobody."),
    Command.withShortDescription("Versions of viv and the daemon"),
    Command.withExamples([{ command: "viv version" }])
  )
