/**
 * `viv events`
 */
import { Console, DateTime, Effect, Option, Schedule, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { NodeChange } from "../api/EventsApi.ts"
import { InstanceEvent, type Position, PositionFromString } from "../domain/InstanceEvent.ts"
import { usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { ExitCode } from "./ExitCode.ts"
import * as Flags from "./Flags.ts"
import { stateText } from "./InstanceText.ts"
import { encode } from "./Json.ts"
import { type Output, output, tellOne } from "./Output.ts"
import { find } from "./Target.ts"
import { elide, plain } from "./Text.ts"

const what = ({ change }: InstanceEvent): string => {
  switch (change._tag) {
    case "Added":
      return `added, ${stateText(change.instance.state)}`
    case "StateChanged":
      return stateText(change.state)
    case "VolumesChanged":
      return `volumes ${change.volumes.map(({ id }) => id).join(", ") || "none"}`
    case "Rebooted":
      return "rebooted"
    case "Deleted":
      return "deleted"
  }
}

const line = (event: InstanceEvent, name: string): string =>
  plain(
    `${DateTime.formatIso(DateTime.makeUnsafe(event.atMillis))}  ${event.incarnation}:${event.sequence}  ${name}  ${
      what(event)
    }`
  )

/** Tells changes as they come. Instances are told by name, which only their snapshot says. */
const teller = (out: Output) => {
  const names = new Map<string, string>()
  return (change: NodeChange): Effect.Effect<void> => {
    switch (change._tag) {
      case "Snapshot":
        for (const { spec } of change.instances) if (spec.name !== undefined) names.set(spec.id, spec.name)
        return Effect.void
      case "Quiet":
        return Effect.void
      case "Lagged":
        return Console.error(
          change.missed === undefined
            ? "viv: events were missed: the daemon holds them no more"
            : `viv: ${change.missed} events were missed: they came faster than they were read`
        )
      case "Event": {
        const { event } = change
        if (event.change._tag === "Added" && event.change.instance.spec.name !== undefined) {
          names.set(event.id, event.change.instance.spec.name)
        }
        return tellOne(out, {
          human: (columns) => {
            const text = line(event, names.get(event.id) ?? event.id)
            return [columns === undefined ? text : elide(text, columns)]
          },
          json: () => encode(InstanceEvent, event),
          ids: () => [event.id]
        })
      }
    }
  }
}

/** Where a follower is after a change. */
const after = (change: NodeChange): Position | undefined => {
  switch (change._tag) {
    case "Snapshot":
    case "Quiet":
      return { incarnation: change.incarnation, sequence: change.sequence }
    case "Event":
      return { incarnation: change.event.incarnation, sequence: change.event.sequence }
    case "Lagged":
      return undefined
  }
}

export const events = Command.make(
  "events",
  {
    instances: Argument.String("instance").pipe(
      Argument.withDescription("Names, ids, or the beginnings of ids (default: all)"),
      Argument.variadic()
    ),
    follow: Flags.toggle("follow", "Go on until Ctrl-C, also through a restart of the daemon").pipe(
      Flag.withAlias("f")
    ),
    since: Flag.String("since").pipe(
      Flag.withMetavar("POSITION"),
      Flag.withDescription("What follows this position, as an event tells it, such as 7:1042"),
      Flag.withSchema(PositionFromString),
      Flag.optional
    )
  },
  ({ follow, instances, since }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const out = yield* output
      if (!follow && Option.isNone(since)) {
        return yield* usage(
          "there is nothing to begin at",
          "say -f to follow, or --since POSITION for what the daemon holds"
        )
      }
      const infos = yield* Effect.forEach(instances, (reference) => find(daemon, reference))
      const filter = infos.length === 0 ? {} : { ids: infos.map(({ spec }) => spec.id) }
      const tell = teller(out)
      yield* tell({ _tag: "Snapshot", incarnation: 0, sequence: 0, instances: infos })
      let position = Option.getOrUndefined(since)
      const following = Stream.suspend(() => daemon.changes(filter, position)).pipe(
        follow ? (changes) => changes : Stream.takeUntil(({ _tag }) => _tag === "Quiet"),
        Stream.runForEach((change) => {
          position = after(change) ?? position
          return tell(change)
        })
      )
      if (!follow) return yield* following
      // A daemon that restarts is asked again from where it left off, so that nothing is missed.
      yield* following.pipe(
        Effect.catchIf(
          ({ exitCode }) => exitCode === ExitCode.unreachable && position !== undefined,
          ({ detail }) => Console.error(`viv: ${detail}: trying again`)
        ),
        Effect.repeat(Schedule.spaced("1 second"))
      )
    }))
).pipe(
  Command.withDescription("Follow what happens to instances. With --json one event a line."),
  Command.withShortDescription("Follow what happens"),
  Command.withExamples([
    { command: "viv events -f" },
    { command: "viv events -f web-1 --json" },
    { command: "viv events -f --since 7:1042", description: "Go on where somebody was" }
  ])
)
