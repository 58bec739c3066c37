/**
 * `viv status`, `evacuate`, `restore` and `reset`: what is about the whole node.
 */
import { Console, Effect, Stdio, Stream } from "effect"
import { Command, Flag, Prompt } from "effect/cli"
import { NodeInfo, Removal } from "../api/NodeApi.ts"
import type { Capabilities } from "../domain/Capabilities.ts"
import { tags } from "../domain/InstanceState.ts"
import { CliFailure, usage } from "./CliFailure.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { ExitCode } from "./ExitCode.ts"
import * as Flags from "./Flags.ts"
import { encode } from "./Json.ts"
import { output, tell, tellOne } from "./Output.ts"
import { progress } from "./Progress.ts"
import { listing } from "./Table.ts"
import { bytes, count } from "./Text.ts"

const can = ({ boot, console, liveVolumes, pause }: Capabilities): string =>
  [
    `boots ${boot.join(", ")}`,
    ...(pause ? ["pauses"] : []),
    ...(liveVolumes ? ["attaches volumes"] : []),
    ...(console ? ["has a console"] : [])
  ].join("; ")

const describe = ({ status, virtualizers }: NodeInfo): ReadonlyArray<string> => {
  const { condition, incarnation, instances, orphans, reserved, task, unreadable } = status
  const states = tags.flatMap((tag) => instances[tag] > 0 ? [`${instances[tag]} ${tag.toLowerCase()}`] : [])
  return listing([
    ["condition", condition._tag === "Full" ? `full: ${condition.why}` : condition._tag.toLowerCase()],
    ["going on", task ?? undefined],
    ["instances", states.join(", ") || "none"],
    [
      "reserved",
      `${bytes(reserved.memoryBytes)} memory, ${count(reserved.vcpus, "vCPU")}, ${bytes(reserved.diskBytes)} disk`
    ],
    ["orphans", orphans === undefined ? "not looked for yet" : orphans === 0 ? "none" : `${orphans}: viv orphans ls`],
    [
      "unreadable",
      unreadable.length === 0 ? undefined : unreadable.map(({ path, why }) => `${path}: ${why}`).join("; ")
    ],
    ...virtualizers.map(({ capabilities, name }) => [name, can(capabilities)] as const),
    ["incarnation", String(incarnation)]
  ])
}

export const status = Command.make("status", {}, () =>
  connected(Effect.gen(function*() {
    const daemon = yield* Daemon
    const now = yield* daemon.status
    yield* tell(yield* output, {
      human: () => describe(now),
      json: () => encode(NodeInfo, now),
      ids: () => []
    })
  }))).pipe(
    Command.withDescription(
      "Tell how the node is: whether it takes instances, how many it has, what they hold, and what its virtualizers can do."
    ),
    Command.withShortDescription("How the node is"),
    Command.withExamples([{ command: "viv status" }])
  )

/** Tells each removal, and fails where one did. */
const removals = Effect.fnUntraced(function*(all: Stream.Stream<Removal, CliFailure>, doing: string, goesOn: string) {
  const out = yield* output
  const shown = yield* progress(out)
  let done = 0
  let failures = 0
  yield* shown.say("node", doing)
  yield* all.pipe(
    Stream.runForEach((removal) => {
      switch (removal._tag) {
        case "Removed": {
          const { name, problem, total, what } = removal
          done++
          if (problem !== undefined) failures++
          return Effect.andThen(
            shown.aside(tellOne(out, {
              human: () => [
                problem === undefined
                  ? `${what} ${name} is removed`
                  : `${what} ${name} could not be removed: ${problem.detail}`
              ],
              json: () => encode(Removal, removal),
              ids: () => problem === undefined ? [name] : []
            })),
            shown.say("node", `${doing}, ${removal.done} of ${total}`)
          )
        }
        case "Failed":
          return Effect.fail(
            new CliFailure({ exitCode: ExitCode.failed, code: removal.problem.code, detail: removal.problem.detail })
          )
        case "Done":
          return out.mode === "json"
            ? tellOne(out, { human: () => [], json: () => encode(Removal, removal), ids: () => [] })
            : Effect.void
      }
    }),
    Effect.onInterrupt(() => Console.error(`viv: interrupted: ${done} removed so far; ${goesOn}`))
  )
  yield* shown.over("node")
  if (out.mode === "human" && done === 0) yield* Console.log("there was nothing to remove")
  if (failures > 0) {
    return yield* new CliFailure({
      exitCode: ExitCode.failed,
      detail: `${failures} of ${done} could not be removed`,
      hint: "viv ls and viv orphans ls tell what is left"
    })
  }
})

export const evacuate = Command.make(
  "evacuate",
  {},
  () =>
    connected(
      Effect.flatMap(Daemon, (daemon) =>
        removals(daemon.evacuate, "evacuating", "the node stays in maintenance: viv restore takes it back to service"))
    )
).pipe(
  Command.withDescription(
    "Put the node into maintenance, then stop and remove every instance. It starts none until viv restore. With --json one removal a line."
  ),
  Command.withShortDescription("Stop and remove all, and start none"),
  Command.withExamples([{ command: "viv evacuate" }])
)

export const restore = Command.make("restore", {}, () =>
  connected(Effect.gen(function*() {
    const daemon = yield* Daemon
    yield* daemon.restore
    yield* tell(yield* output, {
      human: () => ["the node is in service"],
      json: () => ({ condition: "restored" }),
      ids: () => []
    })
  }))).pipe(
    Command.withDescription("Take the node back to service after an evacuation."),
    Command.withShortDescription("Take the node back to service"),
    Command.withExamples([{ command: "viv restore" }])
  )

export const reset = Command.make(
  "reset",
  {
    yes: Flags.toggle("yes", "Do not ask").pipe(Flag.withAlias("y"))
  },
  ({ yes }) =>
    connected(Effect.gen(function*() {
      const daemon = yield* Daemon
      const stdio = yield* Stdio.Stdio
      const out = yield* output
      if (!yes) {
        if (out.mode !== "human" || !(yield* stdio.stdinIsTerminal)) {
          return yield* usage("a reset ends and removes everything on the node", "say --yes if that is meant")
        }
        const all = yield* daemon.list({})
        const sure = yield* Prompt.run(Prompt.Confirm({
          message: `End and remove ${count(all.length, "instance")} and every orphan of ${daemon.endpoint.name}?`,
          initial: false
        }))
        if (!sure) return yield* Console.error("viv: nothing was changed")
      }
      yield* removals(daemon.reset, "resetting", "what was not begun is left")
    }))
).pipe(
  Command.withDescription(
    "End every instance at once and remove it, then every orphan, and records that can not be read. Asks first. Volumes stay. With --json " +
      "one removal a line."
  ),
  Command.withShortDescription("End and remove everything (asks first)"),
  Command.withExamples([{ command: "viv reset --yes" }])
)
