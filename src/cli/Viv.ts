/**
 * All commands of `viv`.
 */
import { Command } from "effect/cli"
import { completion } from "./CompletionCommand.ts"
import { context } from "./ContextCommand.ts"
import { root } from "./Root.ts"

export const viv = root.pipe(
  Command.withDescription("Run virtual machines and containers on a node: viv speaks to its daemon, vivd."),
  Command.withSubcommands([
    { group: "Here", commands: [context, completion((): Command.Command.Any => viv)] }
  ])
)
