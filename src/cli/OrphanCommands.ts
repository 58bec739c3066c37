/**
 * `viv orphans`
 */
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { CliFailure, failed } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { ofAll } from "./ExitCode.ts"
import { output, rows, tell } from "./Output.ts"
import { report, toJson } from "./Report.ts"

const ls = Command.make("ls", {}, () =>
  connected(Effect.gen(function*() {
    const daemon = yield* Daemon
    const all = yield* daemon.orphans
    yield* tell(yield* output, {
      ...rows(all, [
        { title: "ID", of: ({ id }) => id },
        { title: "WHAT", of: ({ guest }) => guest === undefined ? "files" : "a guest that runs" },
        { title: "BY", of: ({ guest }) => guest?.virtualizer ?? "-" },
        { title: "HANDLE", of: ({ guest }) => guest?.handle ?? "-", shrinks: true }
      ]),
      json: () => all,
      ids: () => all.map(({ id }) => id)
    })
  }))).pipe(
    Command.withDescription(
      "List the guests, and what is left of instances, that no record explains. They are left alone."
    ),
    Command.withShortDescription("List orphans"),
    Command.withExamples([{ command: "viv orphans ls" }])
  )

const rm = Command.make(
  "rm",
  { ids: Argument.String("id").pipe(Argument.withDescription("Orphans' ids"), Argument.variadic({ min: 1 })) },
  ({ ids }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const out = yield* output
      const missing = (failure: CliFailure) =>
        failure.code === "no_instance"
          ? new CliFailure({
            exitCode: failure.exitCode,
            code: failure.code,
            detail: failure.detail,
            hint: "viv orphans ls lists those that are there"
          })
          : failure
      const ends = yield* Effect.forEach(ids, (id) =>
        Effect.matchEffect(Effect.mapError(daemon.destroyOrphan(id), missing), {
          onFailure: (failure) =>
            Effect.as(out.mode === "json" ? Effect.void : report(failure, false), { id, failure }),
          onSuccess: () =>
            Effect.as(
              out.mode === "json" ? Effect.void : Console.log(out.mode === "quiet" ? id : `orphan ${id} is removed`),
              { id, failure: undefined }
            )
        }))
      if (out.mode === "json") {
        yield* Console.log(JSON.stringify(
          ends.map(({ failure, id }) =>
            failure === undefined ? { id } : { id, error: toJson(failure) }
          ),
          null,
          2
        ))
      }
      const failures = ends.flatMap(({ failure }) => failure === undefined ? [] : [failure])
      const [{ detail } = failed("")] = failures
      if (failures.length > 0) {
        return yield* new CliFailure({ exitCode: ofAll(failures.map(({ exitCode }) => exitCode)), detail, told: true })
      }
    }))
).pipe(
  Command.withDescription("End the guests of orphans at once and remove all that is left of them."),
  Command.withShortDescription("End and remove orphans"),
  Command.withExamples([{ command: "viv orphans rm $(viv orphans ls -q)" }])
)

export const orphans = Command.make("orphans").pipe(
  Command.withDescription("Guests, and what is left of instances, that no record explains."),
  Command.withShortDescription("What no record explains"),
  Command.withSubcommands([ls, rm])
)
