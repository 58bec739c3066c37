/**
 * All commands of `viv`.
 */
import { Command } from "effect/cli"
import { completion } from "./CompletionCommand.ts"
import { console } from "./ConsoleCommand.ts"
import { context } from "./ContextCommand.ts"
import { doctor } from "./DoctorCommand.ts"
import { events } from "./EventsCommand.ts"
import { ls } from "./ListCommand.ts"
import { logs } from "./LogsCommand.ts"
import { evacuate, reset, restore, status } from "./NodeCommands.ts"
import { orphans } from "./OrphanCommands.ts"
import { pause, restart, resume, rm, stop } from "./PowerCommands.ts"
import { root } from "./Root.ts"
import { run } from "./RunCommand.ts"
import { show } from "./ShowCommand.ts"
import { start } from "./StartCommand.ts"
import { stats, top } from "./StatsCommand.ts"
import { version } from "./VersionCommand.ts"
import { attach, detach } from "./VolumeCommands.ts"
import { wait } from "./WaitCommand.ts"

export const viv = root.pipe(
  Command.withDescription("Run virtual machines and containers on a node. viv speaks to the node's daemon, vivd."),
  Command.withExamples([
    { command: "viv run --name web-1 -p 8080:80 debian.qcow2" },
    { command: "viv console web-1" },
    { command: "viv stop web-1" }
  ]),
  Command.withSubcommands([
    { group: "INSTANCES", commands: [run, start, stop, restart, pause, resume, rm, attach, detach] },
    { group: "LOOK", commands: [ls, show, stats, top, events, logs, console, wait] },
    { group: "NODE", commands: [status, doctor, evacuate, restore, reset, orphans] },
    { group: "VIV", commands: [context, completion((): Command.Command.Any => viv), version] }
  ])
)
