/**
 * `viv ls`
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { tags } from "../domain/InstanceState.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import * as Flags from "./Flags.ts"
import { abbreviated, bootName, memory, ports, stateText } from "./InstanceText.ts"
import { encode } from "./Json.ts"
import { output, rows, tell } from "./Output.ts"

const states = tags.map((tag) => tag.toLowerCase())

export const ls = Command.make(
  "ls",
  {
    label: Flags.many("label", "KEY=VALUE", "Those with this label; may be given again").pipe(Flag.withAlias("l")),
    state: Flag.Literals("state", states).pipe(
      Flag.withAlias("s"),
      Flag.withMetavar("STATE"),
      Flag.withDescription("Those in this state; may be given again"),
      Flag.atLeast(0)
    ),
    name: Flags.text("name", "NAME", "The one of this name")
  },
  ({ label, name, state }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const all = yield* daemon.list({
        labels: label,
        states: state,
        ...(Option.isSome(name) ? { name: name.value } : {})
      })
      const ids = abbreviated(all.map(({ spec }) => spec.id))
      yield* tell(yield* output, {
        ...rows(all, [
          { title: "ID", of: ({ spec }) => ids.get(spec.id) ?? spec.id },
          { title: "NAME", of: ({ spec }) => spec.name ?? "-", shrinks: true },
          { title: "STATE", of: ({ state }) => stateText(state), shrinks: true },
          { title: "VCPUS", of: ({ spec }) => String(spec.vcpus), right: true, leaveOut: 3 },
          { title: "MEMORY", of: memory, right: true, leaveOut: 2 },
          { title: "BOOT", of: ({ spec }) => bootName(spec.boot), shrinks: true, leaveOut: 4 },
          { title: "BY", of: ({ spec }) => spec.virtualizer, leaveOut: 5 },
          { title: "PORTS", of: ports, shrinks: true, leaveOut: 1 }
        ]),
        json: () => all.map((info) => encode(InstanceInfo, info)),
        ids: () => all.map(({ spec }) => spec.id)
      })
    }))
).pipe(
  Command.withDescription("List the instances of the node."),
  Command.withShortDescription("List instances"),
  Command.withExamples([
    { command: "viv ls" },
    { command: "viv ls --state failed --json", description: "What failed, and why" },
    { command: "viv rm $(viv ls -q -l job=nightly)", description: "Remove what a label picks" }
  ])
)
