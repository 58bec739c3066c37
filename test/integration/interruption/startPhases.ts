/**
 * Where a start of a real guest can be held: in each of its phases, before and after what changes the host.
 */
import { Effect } from "effect"
import type { Gate } from "../../host/Gate.ts"
import * as HeldNode from "./HeldNode.ts"

/** A place to hold a start. */
export interface StartPhase {
  readonly name: string
  /**
   * What there is to undo: what the first start of an instance prepares, a guest that is being launched, or nothing, since
   * the guest is there and answers.
   */
  readonly stage: "prepare" | "launch" | "connect"
  readonly hold: (node: HeldNode.HeldNode) => Effect.Effect<Gate>
}

const file = (
  name: string,
  side: Parameters<HeldNode.HeldNode["gates"]["file"]>[0],
  act: Parameters<HeldNode.HeldNode["gates"]["file"]>[1],
  path: RegExp
): StartPhase => ({
  name,
  stage: name.startsWith("launch") ? "launch" : "prepare",
  hold: ({ gates }) => Effect.sync(() => gates.file(side, act, path))
})

const program = (
  name: string,
  moment: Parameters<HeldNode.HeldNode["gates"]["program"]>[0],
  words: RegExp
): StartPhase => ({
  name,
  stage: "prepare",
  hold: ({ gates }) => Effect.sync(() => gates.program(moment, words))
})

const control = (
  name: string,
  way: Parameters<HeldNode.HeldNode["relay"]["hold"]>[0],
  what: string,
  stage: StartPhase["stage"]
): StartPhase => ({
  name,
  stage,
  hold: ({ relay }) => Effect.sync(() => relay.hold(way, what))
})

/** Stops QEMU itself (SIGSTOP) once the gate was reached. */
const frozen = (phase: StartPhase): StartPhase => ({
  ...phase,
  name: `${phase.name}, and QEMU frozen`,
  hold: (node) =>
    Effect.map(phase.hold(node), (gate) => ({
      reached: Effect.andThen(gate.reached, node.freeze),
      open: Effect.andThen(node.thaw, gate.open)
    }))
})

/** Holds what follows the negotiation, once that has been passed on, and taken note of. */
const connecting = (name: string, way: Parameters<HeldNode.HeldNode["relay"]["hold"]>[0]): StartPhase => {
  const phase = control(name, way, "cont", "connect")
  return {
    ...phase,
    hold: (node) => {
      const negotiated = node.relay.passed("after", "qmp_capabilities")
      return Effect.map(phase.hold(node), (gate) => ({
        reached: Effect.andThen(Effect.all([gate.reached, negotiated], { discard: true }), HeldNode.turns),
        open: gate.open
      }))
    }
  }
}

const greeting = control("QMP: no greeting", "after", "greeting", "launch")
const resuming = connecting("connect: the answer to cont", "after")

export const startPhases: ReadonlyArray<StartPhase> = [
  file("image: about to be read", "before", "open", /base\.qcow2$/),
  program("image: qemu-img check has begun", "begun", /qemu-img check/),
  program("image: qemu-img check has ended", "after", /qemu-img check/),
  file("disk: its directory has been made", "after", "makeDirectory", /guest$/),
  file("disk: QEMU's directory has been made", "after", "chown", /guest\/run$/),
  program("disk: qemu-img create has begun", "begun", /qemu-img create/),
  program("disk: qemu-img create has ended", "after", /qemu-img create/),
  file("disk: about to be named", "before", "rename", /disk\.qcow2\.partial$/),
  file("disk: has been named", "after", "rename", /disk\.qcow2\.partial$/),
  file("seed: its files are written", "after", "writeFile", /seed\.iso\.files\/user-data$/),
  program("seed: xorriso has begun", "begun", /xorriso/),
  file("seed: about to be named", "before", "rename", /seed\.iso\.partial$/),
  file("seed: has been named", "after", "rename", /seed\.iso\.partial$/),
  file("launch: what it opens is looked at", "before", "open", /disk\.qcow2$/),
  {
    name: "spawn: a process that is not QEMU yet",
    stage: "launch",
    hold: ({ qemu }) => qemu.holdLaunch
  },
  greeting,
  frozen(greeting),
  control("QMP: the answer to the negotiation", "after", "qmp_capabilities", "launch"),
  connecting("connect: cont on its way", "before"),
  resuming,
  frozen(resuming)
]
