/**
 * `viv stop`, `restart`, `pause`, `resume` and `rm`: several instances at once.
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { connected } from "./Connection.ts"
import { Daemon, type Power } from "./Daemon.ts"
import { each } from "./Each.ts"
import { called } from "./InstanceText.ts"
import { instances } from "./Target.ts"

interface Words {
  readonly doing: string
  readonly done: string
  readonly goesOn: string
}

const power = <const Name extends Power>(name: Name, words: Words) =>
  Command.make(name, { instances }, ({ instances }) =>
    connected(Effect.flatMap(Daemon, (daemon) =>
      each(instances, {
        doing: words.doing,
        goesOn: words.goesOn,
        act: ({ spec }) => daemon.power(spec.id, name),
        done: (info) => `${called(info)} ${words.done}`
      }))))

export const stop = power("stop", { doing: "stopping", done: "is stopped", goesOn: "its stop" }).pipe(
  Command.withDescription(
    "End the guests of instances: asked first, made to end after their grace. The instances stay, and can be started again. Ctrl-C " +
      "ends the waiting only."
  ),
  Command.withShortDescription("End guests; the instances stay"),
  Command.withExamples([
    { command: "viv stop web-1 db-1" },
    { command: "viv stop $(viv ls -q --label tier=web)", description: "All that a label picks" }
  ])
)

export const restart = power("restart", { doing: "restarting", done: "is running again", goesOn: "its restart" }).pipe(
  Command.withDescription("Stop instances and start them anew. Returns when they run. Ctrl-C ends the waiting only."),
  Command.withShortDescription("Stop and start instances"),
  Command.withExamples([{ command: "viv restart web-1" }])
)

export const pause = power("pause", { doing: "pausing", done: "is paused", goesOn: "its pause" }).pipe(
  Command.withDescription("Stop the processors of running guests; their memory stays as it is."),
  Command.withShortDescription("Stop guests' processors"),
  Command.withExamples([{ command: "viv pause web-1" }])
)

export const resume = power("resume", { doing: "resuming", done: "is running", goesOn: "its resumption" }).pipe(
  Command.withDescription("Let the processors of paused guests run again."),
  Command.withShortDescription("Let paused guests run"),
  Command.withExamples([{ command: "viv resume web-1" }])
)

export const rm = Command.make(
  "rm",
  { instances },
  ({ instances }) =>
    connected(Effect.flatMap(Daemon, (daemon) =>
      each(instances, {
        doing: "being removed",
        goesOn: "its removal",
        act: ({ spec }) => daemon.remove(spec.id),
        done: (info) => `${called(info)} is removed`
      })))
).pipe(
  Command.withDescription(
    "End instances at once, running or not, and remove every trace of them. Their volumes stay. Ctrl-C ends the waiting only."
  ),
  Command.withShortDescription("Remove instances, running or not"),
  Command.withExamples([
    { command: "viv rm web-1" },
    { command: "viv rm 9c1 4f07", description: "By the beginnings of their ids" }
  ])
)
