/**
 * What happens to a node in one sequence: what its client asks for, one thing after the other, what happens from outside, and
 * two commands of which the second comes while the first is held.
 */
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceId as InstanceIdSchema } from "../../../src/domain/InstanceId.ts"
import { type VolumeId, VolumeId as VolumeIdSchema } from "../../../src/domain/Volume.ts"
import { Dice } from "../../../src/internal/Dice.ts"
import type { Point } from "./Holds.ts"

export const instances = [InstanceIdSchema.make("a1"), InstanceIdSchema.make("b2")] as const

/** The volumes there are, and one that there is not. */
export const volumes = [VolumeIdSchema.make("data"), VolumeIdSchema.make("logs")] as const
/** The second instance has this one from the beginning. */
export const ownVolume = volumes[1]
export const missingVolume = VolumeIdSchema.make("gone")

/** What is asked of a launcher about one instance. */
export type Request =
  /** With its spec, or with another under its id. */
  | { readonly _tag: "start"; readonly id: InstanceId; readonly other: boolean }
  | { readonly _tag: "stop" | "delete" | "pause" | "resume" | "get" | "stats"; readonly id: InstanceId }
  | { readonly _tag: "attach"; readonly id: InstanceId; readonly volume: VolumeId; readonly readOnly: boolean }
  | { readonly _tag: "detach"; readonly id: InstanceId; readonly volume: VolumeId }

export type Act =
  | Request
  | { readonly _tag: "list" | "reopen" }
  /** From outside: the guest powers itself off, panics, reboots, is killed. */
  | { readonly _tag: "powerOff" | "panic" | "reboot" | "kill"; readonly id: InstanceId }
  /** The second comes when the first has come to this point, and is held there. */
  | { readonly _tag: "pair"; readonly first: Request; readonly point: Point; readonly second: Request | Interference }

/** What can come in the middle of a command, beside another: its caller goes, or the launcher closes and the next one opens. */
export type Interference = { readonly _tag: "interrupt" | "close" }

/** An act in words. */
export const format = (act: Act | Interference): string => {
  switch (act._tag) {
    case "pair":
      return `${format(act.first)} held at ${act.point}, then ${format(act.second)}`
    case "start":
      return `start ${act.id}${act.other ? " with another spec" : ""}`
    case "attach":
      return `attach ${act.volume}${act.readOnly ? " (read-only)" : ""} to ${act.id}`
    case "detach":
      return `detach ${act.volume} from ${act.id}`
    case "list":
    case "reopen":
    case "interrupt":
    case "close":
      return act._tag
    default:
      return `${act._tag} ${act.id}`
  }
}

const isRequest = (act: Request | Interference): act is Request => "id" in act

/** What an author expects of an instance, which need not be so: that only makes some acts less to the point. */
interface Expected {
  power: "none" | "running" | "paused" | "stopped"
  readonly volumes: Set<VolumeId>
}

/** Seeded acts, most of them such as can be done. */
class Author {
  readonly #dice: Dice
  readonly #expected = new Map<InstanceId, Expected>()

  constructor(dice: Dice) {
    this.#dice = dice
  }

  act(): Act {
    const dice = this.#dice
    // One of them has most of what happens, and so a life to tell of.
    const id = dice.one(instances[0], instances[0], instances[1])
    const roll = dice.below(100)
    if (roll < 4) return { _tag: "list" }
    if (roll < 10) return { _tag: "reopen" }
    if (roll < 18) return this.#note({ _tag: dice.one("powerOff", "panic", "reboot", "kill"), id })
    const request = this.#request(id)
    if (roll < 60) return this.#note(request)
    const point = this.#pointOf(request)
    if (point === undefined) return this.#note(request)
    const second = this.#second(request)
    this.#note(request)
    if (isRequest(second)) this.#note(second)
    return { _tag: "pair", first: request, point, second }
  }

  #expect(id: InstanceId): Expected {
    const known = this.#expected.get(id) ?? { power: "none", volumes: new Set() }
    this.#expected.set(id, known)
    return known
  }

  #note<A extends Act>(act: A): A {
    if (!("id" in act)) return act
    const expected = this.#expect(act.id)
    switch (act._tag) {
      case "start":
        if (expected.power === "none" && act.id === instances[1]) expected.volumes.add(ownVolume)
        expected.power = "running"
        break
      case "stop":
      case "powerOff":
      case "panic":
      case "kill":
        if (expected.power !== "none") expected.power = "stopped"
        break
      case "delete":
        expected.power = "none"
        expected.volumes.clear()
        break
      case "pause":
        if (expected.power === "running") expected.power = "paused"
        break
      case "resume":
        if (expected.power === "paused") expected.power = "running"
        break
      case "attach":
        if (expected.power !== "none") expected.volumes.add(act.volume)
        break
      case "detach":
        expected.volumes.delete(act.volume)
        break
      case "get":
      case "stats":
      case "reboot":
        break
    }
    return act
  }

  #request(id: InstanceId): Request {
    const dice = this.#dice
    const { power } = this.#expect(id)
    const start: Request = { _tag: "start", id, other: dice.chance(0.05) }
    const plug = dice.chance(0.6) ? this.#attach(id) : this.#detach(id)
    const simple = (tag: "stop" | "delete" | "pause" | "resume" | "get" | "stats"): Request => ({ _tag: tag, id })
    // What can not be done is asked for, too.
    if (dice.chance(0.1)) {
      return dice.one(start, plug, simple(dice.one("stop", "delete", "pause", "resume", "get", "stats")))
    }
    switch (power) {
      case "none":
        return start
      case "stopped":
        return dice.one(start, start, start, plug, simple("delete"))
      case "running":
        return dice.one(plug, plug, plug, simple("stop"), simple("pause"), simple(dice.one("delete", "get", "stats")))
      case "paused":
        return dice.one(plug, plug, plug, simple("resume"), simple("resume"), simple(dice.one("stop", "delete")))
    }
  }

  #volume(): VolumeId {
    return this.#dice.one(...volumes)
  }

  #attach(id: InstanceId): Extract<Request, { readonly _tag: "attach" }> {
    const volume = this.#dice.chance(0.06) ? missingVolume : this.#volume()
    return { _tag: "attach", id, volume, readOnly: this.#dice.chance(0.15) }
  }

  #detach(id: InstanceId): Request {
    const has = Array.from(this.#expect(id).volumes)
    return { _tag: "detach", id, volume: this.#dice.one(this.#volume(), ...has, ...has) }
  }

  /** Where a command is held, if it has something to do there. */
  #pointOf(request: Request): Point | undefined {
    const { power } = this.#expect(request.id)
    switch (request._tag) {
      case "start":
        return power === "none"
          ? this.#dice.one("image", "create", "launch", "monitor")
          : this.#dice.one("launch", "monitor")
      case "delete":
        return power === "running" ? this.#dice.one("stop", "remove") : "remove"
      case "get":
      case "stats":
        return undefined
      default:
        return request._tag
    }
  }

  /** What comes in the middle of a command, in which it makes a difference. */
  #second(first: Request): Request | Interference {
    const dice = this.#dice
    const { id } = first
    const stop: Request = { _tag: "stop", id }
    const others: ReadonlyArray<Request | Interference> = [
      stop,
      { _tag: "delete", id },
      { _tag: "delete", id },
      { _tag: "interrupt" },
      { _tag: "interrupt" },
      { _tag: "close" },
      { _tag: "close" },
      { _tag: "start", id, other: false },
      { _tag: "pause", id },
      { _tag: "resume", id },
      this.#attach(id),
      first
    ]
    if (first._tag === "attach") return dice.one(stop, ...others, { _tag: "detach", id, volume: first.volume })
    if (first._tag === "detach") return dice.one(stop, ...others, { ...this.#attach(id), volume: first.volume })
    // Another instance wants what this one has, or is about to have.
    const other = instances.find((one) => one !== id) ?? id
    return dice.one(stop, ...others, { ...this.#attach(other) }, { _tag: "start", id: other, other: false })
  }
}

/** The acts of a seed. A shorter sequence of it is the beginning of a longer one. */
export const sequence = (seed: string | number, length: number): ReadonlyArray<Act> => {
  const author = new Author(new Dice(seed).for("acts"))
  return Array.from({ length }, () => author.act())
}
