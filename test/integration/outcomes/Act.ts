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

/** Seeded acts. */
class Author {
  readonly #dice: Dice

  constructor(dice: Dice) {
    this.#dice = dice
  }

  act(): Act {
    const dice = this.#dice
    // One of them has most of what happens, and so a life to tell of.
    const id = dice.one(instances[0], instances[0], instances[1])
    const roll = dice.below(100)
    if (roll < 60) return this.#request(id)
    if (roll < 64) return { _tag: "list" }
    if (roll < 70) return { _tag: "reopen" }
    if (roll < 80) return { _tag: dice.one("powerOff", "panic", "reboot", "kill"), id }
    return this.#pair(id)
  }

  #request(id: InstanceId): Request {
    const dice = this.#dice
    const roll = dice.below(100)
    if (roll < 34) return { _tag: "start", id, other: dice.chance(0.08) }
    if (roll < 46) return { _tag: "stop", id }
    if (roll < 54) return { _tag: "delete", id }
    if (roll < 62) return { _tag: "pause", id }
    if (roll < 68) return { _tag: "resume", id }
    if (roll < 84) return this.#attach(id)
    if (roll < 95) return { _tag: "detach", id, volume: this.#volume() }
    return { _tag: dice.one("get", "stats"), id }
  }

  #volume(): VolumeId {
    return this.#dice.one(...volumes)
  }

  #attach(id: InstanceId): Extract<Request, { readonly _tag: "attach" }> {
    const volume = this.#dice.chance(0.06) ? missingVolume : this.#volume()
    return { _tag: "attach", id, volume, readOnly: this.#dice.chance(0.15) }
  }

  #pair(id: InstanceId): Act {
    const dice = this.#dice
    const start: Request = { _tag: "start", id, other: false }
    const stop: Request = { _tag: "stop", id }
    const remove: Request = { _tag: "delete", id }
    const attach = this.#attach(id)
    const { volume } = attach
    const detach: Request = { _tag: "detach", id, volume }
    const pause: Request = { _tag: "pause", id }
    const resume: Request = { _tag: "resume", id }
    const ends: ReadonlyArray<Request | Interference> = [remove, { _tag: "interrupt" }, { _tag: "close" }]
    const second = (...others: ReadonlyArray<Request>) => dice.one<Request | Interference>(stop, ...ends, ...others)
    switch (dice.below(7)) {
      case 0:
      case 1:
        return {
          _tag: "pair",
          first: start,
          point: dice.one("image", "create", "launch", "monitor"),
          second: second(start, pause, attach, detach)
        }
      case 2:
        return { _tag: "pair", first: attach, point: "attach", second: second(detach, attach) }
      case 3:
        return {
          _tag: "pair",
          first: detach,
          point: "detach",
          second: second(attach, detach)
        }
      case 4:
        return { _tag: "pair", first: stop, point: "stop", second: second(start, pause, attach) }
      case 5:
        return { _tag: "pair", first: remove, point: "remove", second: second(start, pause) }
      default:
        return {
          _tag: "pair",
          first: dice.one(pause, resume),
          point: dice.one("pause", "resume"),
          second: second(resume, pause)
        }
    }
  }
}

/** The acts of a seed. A shorter sequence of it is the beginning of a longer one. */
export const sequence = (seed: string | number, length: number): ReadonlyArray<Act> => {
  const author = new Author(new Dice(seed).for("acts"))
  return Array.from({ length }, () => author.act())
}
