/**
 * `viv run`
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { connected } from "./Connection.ts"
import * as Flags from "./Flags.ts"
import { launch } from "./Launching.ts"
import { spec, specFlags } from "./SpecFlags.ts"

export const run = Command.make(
  "run",
  {
    ...specFlags,
    rm: Flags.toggle("rm", "The daemon deletes it when it ends, also when viv is gone")
  },
  (given) =>
    Effect.gen(function*() {
      const asked = yield* spec(given)
      yield* connected(launch(
        asked,
        { id: asked.id, name: asked.name ?? asked.id },
        { autoRemove: given.rm }
      ))
    })
).pipe(
  Command.withDescription(
    "Create an instance and start it. Returns when it runs; it goes on running without viv. Ctrl-C withdraws the start, and nothing is " +
      "left of it. Paths are those of the daemon's machine, and must be within the directories that it allows."
  ),
  Command.withShortDescription("Create and start an instance"),
  Command.withExamples([
    { command: "viv run --name web-1 -m 1GiB -p 8080:80 debian.qcow2", description: "A disk image" },
    { command: "viv run --kernel vmlinuz --initrd initrd --append console=ttyS0", description: "A Linux kernel" },
    { command: "viv run --virtualizer docker -p 8080:80 nginx:stable", description: "A container" },
    { command: "viv run --rm --virtualizer docker busybox -- sleep 60", description: "Gone when it ends" }
  ])
)
