/**
 * `viv wait`
 */
import { Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { type InstanceState, type Tag, tags } from "../domain/InstanceState.ts"
import { CliFailure, usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { each } from "./Each.ts"
import { ExitCode } from "./ExitCode.ts"
import { called, stateName, stateText } from "./InstanceText.ts"
import { instances } from "./Target.ts"

const names: Readonly<Record<string, ReadonlyArray<Tag>>> = {
  ...Object.fromEntries(tags.map((tag) => [tag.toLowerCase(), [tag]])),
  ended: ["Stopped", "Exited", "Failed"],
  deleted: []
}

/** States that nothing but a command leads out of. */
const final: ReadonlyArray<Tag> = ["Exited", "Failed"]

type Seen = { readonly _tag: "Deleted" } | {
  readonly _tag: "State"
  readonly state: InstanceState
  readonly isNew: boolean
}

/** What an instance is, and becomes. */
const seen = (daemon: Daemon["Service"], id: string): Stream.Stream<Seen, CliFailure> =>
  daemon.changes({ ids: [id] }, undefined).pipe(
    Stream.flatMap((change): Stream.Stream<Seen> => {
      switch (change._tag) {
        case "Snapshot": {
          const found = change.instances.find(({ spec }) => spec.id === id)
          return Stream.succeed(
            found === undefined ? { _tag: "Deleted" } : { _tag: "State", state: found.state, isNew: false }
          )
        }
        case "Event": {
          const { change: what } = change.event
          if (what._tag === "Deleted") return Stream.succeed({ _tag: "Deleted" })
          if (what._tag === "StateChanged") return Stream.succeed({ _tag: "State", state: what.state, isNew: true })
          return Stream.empty
        }
        case "Lagged":
        case "Quiet":
          return Stream.empty
      }
    })
  )

const reach = Effect.fnUntraced(function*(daemon: Daemon["Service"], info: InstanceInfo, wanted: string) {
  const { spec: { id } } = info
  const states = names[wanted] ?? []
  const reached = yield* seen(daemon, id).pipe(
    Stream.mapEffect((one): Effect.Effect<string | undefined, CliFailure> => {
      if (one._tag === "Deleted") {
        return wanted === "deleted" ? Effect.succeed("deleted") : Effect.fail(
          new CliFailure({
            exitCode: ExitCode.notFound,
            detail: `${called(info)} was deleted before it was ${wanted}`,
            instance: id
          })
        )
      }
      if (states.includes(one.state._tag)) return Effect.succeed(stateName(one.state))
      return one.isNew && wanted !== "deleted" && final.includes(one.state._tag)
        ? Effect.fail(
          new CliFailure({
            exitCode: ExitCode.failed,
            detail: `${called(info)} is ${stateText(one.state)}, and will not be ${wanted} by itself`,
            hint: `viv logs ${called(info)} tells what it said`,
            instance: id
          })
        )
        : Effect.succeed(undefined)
    }),
    Stream.filter((state) => state !== undefined),
    Stream.runHead
  )
  return yield* Option.match(reached, {
    onNone: () =>
      Effect.fail(
        new CliFailure({ exitCode: ExitCode.unreachable, detail: "the daemon told nothing more: ask again" })
      ),
    onSome: Effect.succeed
  })
})

export const wait = Command.make(
  "wait",
  {
    instances,
    for: Flag.String("for").pipe(
      Flag.withMetavar("STATE"),
      Flag.withDescription(`${Object.keys(names).join(", ")}; ended is stopped, exited or failed`),
      Flag.withDefault("ended")
    ),
    timeout: Flag.Finite("timeout").pipe(
      Flag.withAlias("t"),
      Flag.withMetavar("SECONDS"),
      Flag.withDescription("How long to wait (default: for ever)"),
      Flag.optional
    )
  },
  ({ for: wanted, instances, timeout }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      if (names[wanted] === undefined) {
        return yield* usage(`${wanted} is no state to wait for`, `there are: ${Object.keys(names).join(", ")}`)
      }
      yield* each(instances, {
        doing: `waited for until ${wanted}`,
        goesOn: undefined,
        act: (info) =>
          Option.match(timeout, {
            onNone: () => reach(daemon, info, wanted),
            onSome: (seconds) =>
              Effect.timeoutOrElse(reach(daemon, info, wanted), {
                duration: seconds * 1_000,
                orElse: () =>
                  Effect.fail(
                    new CliFailure({
                      exitCode: ExitCode.timedOut,
                      detail: `${called(info)} was not ${wanted} within ${seconds} s`,
                      instance: info.spec.id
                    })
                  )
              })
          }),
        done: (info, state) => `${called(info)} is ${state}`
      })
    }))
).pipe(
  Command.withDescription(
    "Wait until instances are in a state. Ends with 1 where one exits or fails and so will not get there, with 3 where one is deleted, and " +
      "with 6 when the time is over."
  ),
  Command.withShortDescription("Wait for a state"),
  Command.withExamples([
    { command: "viv wait web-1", description: "Until it ended" },
    { command: "viv wait web-1 db-1 --for running --timeout 60" }
  ])
)
