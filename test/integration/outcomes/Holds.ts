/**
 * Holds what a launcher has a virtualizer do, whichever it is, right before that is begun.
 */
import { Effect, Stream } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { Guest, Monitor, Virtualizer } from "../../../src/Virtualizer.ts"
import * as Gate from "../../host/Gate.ts"

/** What can be held. `stop` is also the ending of a guest by force, `remove` the removal of its files. */
export type Point =
  | "image"
  | "create"
  | "launch"
  | "monitor"
  | "attach"
  | "detach"
  | "pause"
  | "resume"
  | "stop"
  | "remove"

export class Holds {
  #gate: { readonly point: Point; readonly id: InstanceId; readonly gate: Gate.FiberGate } | undefined = undefined

  /** How many operations are under way, held or not. */
  underWay = 0

  /** How many of them are held. */
  held = 0

  /** Holds whatever comes to this point for this instance, until the gate is opened. There is one gate at a time. */
  hold(point: Point, id: InstanceId): Gate.Gate {
    const gate = Gate.make(`${point} of ${id}`)
    this.#gate = { point, id, gate }
    return gate
  }

  /** A virtualizer whose guests are held. */
  wrap(virtualizer: Virtualizer): Virtualizer {
    return {
      ...virtualizer,
      make: (spec, directory) => Effect.map(virtualizer.make(spec, directory), (guest) => this.#guest(spec.id, guest))
    }
  }

  #guest(id: InstanceId, guest: Guest): Guest {
    const at = (point: Point) =>
      Effect.suspend(() => {
        const gate = this.#gate?.point === point && this.#gate.id === id ? this.#gate.gate : undefined
        return gate === undefined
          ? Effect.void
          : Effect.acquireUseRelease(Effect.sync(() => this.held++), () =>
            gate.pass, () =>
            Effect.sync(() => this.held--))
      })
    const before = <A, E, R>(point: Point, effect: Effect.Effect<A, E, R>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => this.underWay++),
        () => Effect.andThen(at(point), effect),
        () => Effect.sync(() => this.underWay--)
      )
    const watched = (monitor: Monitor): Monitor => ({
      connected: monitor.connected,
      ended: monitor.ended,
      follow: (follower) => monitor.follow(follower),
      status: monitor.status,
      stop: (grace) => before("stop", monitor.stop(grace)),
      pause: before("pause", monitor.pause),
      resume: before("resume", monitor.resume),
      attachVolume: (volume) => before("attach", monitor.attachVolume(volume)),
      detachVolume: (volume) => before("detach", monitor.detachVolume(volume))
    })
    return {
      probe: guest.probe,
      ensureBackingImage: Stream.unwrap(before("image", Effect.sync(() => guest.ensureBackingImage))),
      createImage: (boot) => before("create", Effect.suspend(() => guest.createImage(boot))),
      deleteImage: before("remove", guest.deleteImage),
      start: (boot) => before("launch", Effect.suspend(() => guest.start(boot))),
      monitor: before("monitor", Effect.map(guest.monitor, watched)),
      kill: before("stop", guest.kill),
      stats: guest.stats,
      console: guest.console
    }
  }
}
