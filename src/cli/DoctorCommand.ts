/**
 * `viv doctor`
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import type { Check } from "../api/NodeApi.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { ExitCode } from "./ExitCode.ts"
import { output, tell } from "./Output.ts"
import { folded, plain, width } from "./Text.ts"

/** What mends it stays a line of its own, to be copied. */
const describe = (all: ReadonlyArray<Check>, columns = Infinity): ReadonlyArray<string> => {
  const names = all.reduce((widest, { name }) => Math.max(widest, width(plain(name))), 0)
  const states = all.reduce((widest, { status }) => Math.max(widest, width(status)), 0)
  const margin = " ".repeat(states + names + 4)
  return all.flatMap(({ detail, name, remedy, status }) => {
    const [first, ...others] = folded(plain(detail), columns - margin.length)
    return [
      `${status.padEnd(states)}  ${plain(name).padEnd(names)}  ${first}`,
      ...others.map((line) => `${margin}${line}`),
      ...(remedy === undefined ? [] : [`${margin}→ ${plain(remedy)}`])
    ]
  })
}

export const doctor = Command.make("doctor", {}, () =>
  connected(Effect.gen(function*() {
    const daemon = yield* Daemon
    const all = yield* daemon.doctor
    yield* tell(yield* output, {
      human: (columns) => describe(all, columns),
      json: () => all,
      ids: () => all.flatMap(({ name, status }) => status === "missing" ? [name] : [])
    })
    const missing = all.filter(({ status }) => status === "missing").length
    if (missing > 0) {
      return yield* new CliFailure({
        exitCode: ExitCode.failed,
        detail: `${missing} of ${all.length} prerequisites ${missing === 1 ? "is" : "are"} missing`
      })
    }
  }))).pipe(
    Command.withDescription(
      "Ask the daemon what it needs of its machine: each prerequisite, what is missing, and the command that mends it. Ends with 1 where " +
        "something is missing. Where the daemon does not even start, vivd doctor says the same."
    ),
    Command.withShortDescription("What the node lacks, and what mends it"),
    Command.withExamples([{ command: "viv doctor" }, {
      command: "viv doctor --json | jq '.[] | select(.status != \"ok\")'"
    }])
  )
