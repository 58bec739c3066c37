/**
 * `viv show`
 */
import { Duration, Effect } from "effect"
import { Command } from "effect/cli"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { bootText, memory, ports, stateText } from "./InstanceText.ts"
import { encode } from "./Json.ts"
import { output, tell } from "./Output.ts"
import { listing } from "./Table.ts"
import { find, instances } from "./Target.ts"
import { span } from "./Text.ts"

const none = (text: string): string | undefined => text === "" ? undefined : text

const describe = (info: InstanceInfo): ReadonlyArray<string> => {
  const { spec, starts, state, volumes } = info
  return listing([
    ["id", spec.id],
    ["name", spec.name],
    ["state", stateText(state)],
    ["labels", none(Object.entries(spec.labels).map(([key, value]) => `${key}=${value}`).join(", "))],
    ["tenant", spec.tenant],
    ["virtualizer", spec.virtualizer],
    ["boot", bootText(spec.boot)],
    ["firmware", spec.boot.kind === "container" ? undefined : spec.firmware],
    ["vcpus", String(spec.vcpus)],
    ["memory", memory(info)],
    ["volumes", none(volumes.map(({ id, readOnly }) => readOnly === true ? `${id} (read-only)` : id).join(", "))],
    ["network", none(spec.nics.map((nic) => nic.kind === "tap" ? `tap ${nic.tap}` : nic.kind).join(", "))],
    ["ports", none(ports(info))],
    ["restart", spec.restart],
    ["stop grace", span(Duration.toMillis(spec.stopGrace))],
    ["starts", String(starts)]
  ])
}

export const show = Command.make("show", { instances }, ({ instances }) =>
  connected(Effect.gen(function*() {
    const daemon = yield* Daemon
    const all = yield* Effect.forEach(instances, (reference) => find(daemon, reference), { concurrency: 8 })
    yield* tell(yield* output, {
      human: () => all.flatMap((info, index) => index === 0 ? describe(info) : ["", ...describe(info)]),
      json: () => all.map((info) => encode(InstanceInfo, info)),
      ids: () => all.map(({ spec }) => spec.id)
    })
  }))).pipe(
    Command.withDescription("Show all that is known of instances. With --json an array, also for one."),
    Command.withShortDescription("Show all of an instance"),
    Command.withExamples([
      { command: "viv show web-1" },
      { command: "viv show web-1 --json | jq -r '.[0].spec.boot.path'" }
    ])
  )
