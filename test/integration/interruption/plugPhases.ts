/**
 * Where the attaching and the detaching of a volume of a real guest can be held.
 */
import { Effect } from "effect"
import type { Gate } from "../../host/Gate.ts"
import type { HeldNode } from "./HeldNode.ts"

/** A place to hold a change of a running guest. */
export interface PlugPhase {
  readonly name: string
  readonly hold: (node: HeldNode) => Effect.Effect<Gate>
}

/** What the control channel carries is held, with all that comes behind it: the guest does not answer any more. */
const silent = (command: string): ReadonlyArray<PlugPhase> =>
  (["before", "after"] as const).map((way) => ({
    name: `${way} ${command}`,
    hold: ({ relay }) => Effect.sync(() => relay.hold(way, command))
  }))

/** QEMU is stopped (SIGSTOP) when it has been reached. */
const frozen = (phase: PlugPhase): PlugPhase => ({
  name: `${phase.name}, and QEMU frozen`,
  hold: (node) =>
    Effect.map(phase.hold(node), (gate) => ({
      reached: Effect.andThen(gate.reached, node.freeze),
      open: Effect.andThen(node.thaw, gate.open)
    }))
})

const plug = (commands: ReadonlyArray<string>): ReadonlyArray<PlugPhase> => {
  const phases = commands.flatMap(silent)
  return [...phases, ...phases.slice(-1).map(frozen)]
}

export const attachPhases: ReadonlyArray<PlugPhase> = [
  {
    name: "the volume is about to be read",
    hold: ({ gates }) => Effect.sync(() => gates.file("before", "stat", /volumes\/data\.raw$/))
  },
  ...plug(["blockdev-add", "device_add"])
]

export const detachPhases: ReadonlyArray<PlugPhase> = plug(["device_del"])
