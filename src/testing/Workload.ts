/**
 * What the clients of a simulated node ask for: random commands on few instances and few volumes, so that they meet.
 */
import { ByteSize, Duration } from "effect"
import { InstanceId, InstanceName } from "../domain/InstanceId.ts"
import { InstanceSpec } from "../domain/InstanceSpec.ts"
import { VolumeId, type VolumeSpec } from "../domain/Volume.ts"
import type { Dice } from "../internal/Dice.ts"
import type { Call } from "./History.ts"

/** How often each command is asked for, among the others. */
const weights: ReadonlyArray<readonly [Exclude<Call["_tag"], "Adopt" | "DestroyOrphan">, number]> = [
  ["Create", 30],
  ["Start", 400],
  ["Stop", 100],
  ["Restart", 80],
  ["Delete", 90],
  ["Attach", 120],
  ["Detach", 120],
  ["Pause", 70],
  ["Resume", 70],
  ["Stats", 50],
  ["Get", 40],
  ["List", 10],
  ["Statistics", 20],
  ["Orphans", 5],
  // Rarely, for little is left to be asked for until the node is restored.
  ["Evacuate", 2],
  ["Reset", 2],
  ["Restore", 25]
]

const weight = weights.reduce((sum, [, each]) => sum + each, 0)

/** What clients have seen of a node. */
export interface Seen {
  /** The instances whose guests run. */
  readonly running: ReadonlyArray<InstanceId>
  /** The volumes that an instance shall have. */
  readonly volumesOf: (id: InstanceId) => ReadonlyArray<VolumeId>
}

/** How likely a command that is for a running guest is for one that runs, and a detachment for a volume that is there. */
const seenRunning = 0.6
const seenVolume = 0.7

/** How likely a start asks for something else than the one before: another spec, or the name of another instance. */
const otherSpec = 0.02
const otherName = 0.02

export class Workload {
  /** The instances that are asked for. */
  readonly ids: ReadonlyArray<InstanceId>
  private readonly volumes: ReadonlyArray<VolumeId>
  /** What each of them is, unless somebody asks for something else. */
  readonly specs: ReadonlyArray<InstanceSpec>

  constructor(dice: Dice, instances: number) {
    this.ids = Array.from({ length: instances }, (_, index) => InstanceId.make(`${(index + 10).toString(16)}-1`))
    this.volumes = Array.from({ length: instances }, (_, index) => VolumeId.make(`volume-${index}`))
    this.specs = this.ids.map((id) => this.spec(dice, id))
  }

  /** The next command, of somebody who has seen this much. */
  draw(dice: Dice, { running, volumesOf }: Seen): Call {
    const kind = this.kind(dice)
    const any = this.id(dice)
    const isSeen = kind !== "Create" && kind !== "Start" && kind !== "Delete" && running.length > 0 &&
      dice.chance(seenRunning)
    const id = isSeen ? pick(dice, running) : any
    switch (kind) {
      case "Create":
      case "Start":
        return { _tag: kind, spec: this.wanted(dice, id) }
      case "Attach":
        return { _tag: "Attach", id, volume: this.volume(dice) }
      case "Detach": {
        const volumes = volumesOf(id)
        const volume = volumes.length > 0 && dice.chance(seenVolume) ? pick(dice, volumes) : this.volume(dice).id
        return { _tag: "Detach", id, volume }
      }
      case "List":
      case "Statistics":
      case "Orphans":
      case "Evacuate":
      case "Reset":
      case "Restore":
        return { _tag: kind }
      default:
        return { _tag: kind, id }
    }
  }

  private kind(dice: Dice): typeof weights[number][0] {
    let roll = dice.below(weight)
    for (const [kind, each] of weights) {
      if (roll < each) return kind
      roll -= each
    }
    return "List"
  }

  /** Some instances are asked for more often than others. */
  private id(dice: Dice): InstanceId {
    return pick(dice, dice.chance(0.4) ? this.ids.slice(0, 2) : this.ids)
  }

  private volume(dice: Dice): VolumeSpec {
    const id = pick(dice, this.volumes)
    return dice.chance(0.1) ? { id, readOnly: true } : { id }
  }

  private wanted(dice: Dice, id: InstanceId): InstanceSpec {
    const spec = this.specs.find((spec) => spec.id === id) ?? this.spec(dice, id)
    if (dice.chance(otherSpec)) return InstanceSpec.make({ ...spec, memory: ByteSize.mebibytes(128) })
    if (dice.chance(otherName)) return InstanceSpec.make({ ...spec, name: nameOf(pick(dice, this.ids)) })
    return spec
  }

  private spec(dice: Dice, id: InstanceId): InstanceSpec {
    return InstanceSpec.make({
      id,
      virtualizer: "simulation",
      boot: { kind: "image", path: "/images/base.qcow2", format: "qcow2" },
      memory: ByteSize.mebibytes(64),
      restart: dice.one("never", "never", "on-failure", "always"),
      stopGrace: Duration.millis(dice.one(0, 500, 10_000)),
      volumes: dice.chance(0.3) ? [this.volume(dice)] : [],
      ...(dice.chance(0.5) ? { name: nameOf(id) } : {})
    })
  }
}

const nameOf = (id: InstanceId): InstanceName => InstanceName.make(`name-${id}`)

const pick = <A>(dice: Dice, choices: ReadonlyArray<A>): A => {
  const choice = choices[dice.below(choices.length)]
  if (choice === undefined) throw new Error("there is nothing to choose from")
  return choice
}
