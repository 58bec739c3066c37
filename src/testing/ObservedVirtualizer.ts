/**
 * A virtualizer that tells what it is asked for, and when that is over, and otherwise is the one that it stands before.
 */
import { Duration, Effect, Exit, type Scope, Stream } from "effect"
import type { ImageProgress } from "../domain/Image.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { Volume, VolumeId } from "../domain/Volume.ts"
import type {
  BootConfig,
  Ended,
  Follower,
  Guest,
  GuestConsole,
  GuestStats,
  GuestStatus,
  Monitor,
  Probe,
  Virtualizer
} from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import type { Occurrence, Operation } from "./History.ts"

/** Notes what virtualizers are asked for. One of these numbers the operations of a whole history. */
export class Operations {
  private count = 0
  private readonly note: (occurrence: Occurrence) => void

  constructor(note: (occurrence: Occurrence) => void) {
    this.note = note
  }

  /** The virtualizer as a launcher shall have it. Nothing is told once `isUp` says that the launcher is dead. */
  observe(
    virtualizer: Virtualizer,
    launcher: { readonly incarnation: number; readonly isUp: () => boolean }
  ): Virtualizer {
    const begin = (id: InstanceId, operation: Operation): number => {
      const act = ++this.count
      if (launcher.isUp()) this.note({ _tag: "Acting", act, incarnation: launcher.incarnation, id, operation })
      return act
    }
    const end = (act: number, exit: Exit.Exit<unknown, unknown>): void => {
      if (!launcher.isUp()) return
      const how = Exit.isSuccess(exit) ? "succeeded" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"
      this.note({ _tag: "Acted", act, how })
    }
    return {
      name: virtualizer.name,
      capabilities: virtualizer.capabilities,
      discover: virtualizer.discover,
      ...(virtualizer.begun === undefined ? {} : { begun: virtualizer.begun }),
      destroy: virtualizer.destroy,
      discard: virtualizer.discard,
      make: (spec, directory) =>
        Effect.map(virtualizer.make(spec, directory), (guest) => new ObservedGuest(guest, { id: spec.id, begin, end }))
    }
  }
}

/** The guest of one instance, and who is told of it. */
interface Observer {
  readonly id: InstanceId
  readonly begin: (id: InstanceId, operation: Operation) => number
  readonly end: (act: number, exit: Exit.Exit<unknown, unknown>) => void
}

/** What has been begun is over some time, also when it is interrupted in its first moment. */
const told = <A, E, R>(observer: Observer, operation: Operation, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => observer.begin(observer.id, operation)),
    () => effect,
    (act, exit) => Effect.sync(() => observer.end(act, exit))
  )

class ObservedGuest implements Guest {
  private readonly guest: Guest
  private readonly observer: Observer

  constructor(guest: Guest, observer: Observer) {
    this.guest = guest
    this.observer = observer
  }

  private tell<A, E, R>(operation: Operation, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return told(this.observer, operation, effect)
  }

  get probe(): Effect.Effect<Probe, VirtualizerError> {
    return this.tell("probe", this.guest.probe)
  }

  get ensureBackingImage(): Stream.Stream<ImageProgress, VirtualizerError> {
    const { guest, observer } = this
    const begun = Effect.acquireRelease(
      Effect.sync(() => observer.begin(observer.id, "image")),
      (act, exit) => Effect.sync(() => observer.end(act, exit))
    )
    return Stream.unwrap(Effect.as(begun, guest.ensureBackingImage))
  }

  createImage(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return this.tell("create", this.guest.createImage(boot))
  }

  get deleteImage(): Effect.Effect<void, VirtualizerError> {
    return this.tell("deleteImage", this.guest.deleteImage)
  }

  start(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return this.tell("start", this.guest.start(boot))
  }

  get monitor(): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> {
    return Effect.map(
      this.tell("monitor", this.guest.monitor),
      (monitor) => new ObservedMonitor(monitor, this.observer)
    )
  }

  get kill(): Effect.Effect<void, VirtualizerError> {
    return this.tell("kill", this.guest.kill)
  }

  get stats(): Effect.Effect<GuestStats, VirtualizerError> {
    return this.guest.stats
  }

  get console(): GuestConsole {
    return this.guest.console
  }
}

class ObservedMonitor implements Monitor {
  private readonly monitor: Monitor
  private readonly observer: Observer

  constructor(monitor: Monitor, observer: Observer) {
    this.monitor = monitor
    this.observer = observer
  }

  private tell<A, E, R>(operation: Operation, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return told(this.observer, operation, effect)
  }

  get connected(): Effect.Effect<GuestStatus> {
    return this.tell("connect", this.monitor.connected)
  }

  get ended(): Effect.Effect<Ended> {
    return this.monitor.ended
  }

  follow(follower: Follower): Effect.Effect<void, never, Scope.Scope> {
    return this.monitor.follow(follower)
  }

  get status(): Effect.Effect<GuestStatus, VirtualizerError> {
    return this.monitor.status
  }

  stop(grace: Duration.Duration): Effect.Effect<void, VirtualizerError> {
    return this.tell(Duration.toMillis(grace) > 0 ? "stop" : "quit", this.monitor.stop(grace))
  }

  get pause(): Effect.Effect<void, VirtualizerError> {
    return this.tell("pause", this.monitor.pause)
  }

  get resume(): Effect.Effect<void, VirtualizerError> {
    return this.tell("resume", this.monitor.resume)
  }

  attachVolume(volume: Volume): Effect.Effect<void, VirtualizerError> {
    return this.tell("attach", this.monitor.attachVolume(volume))
  }

  detachVolume(volume: VolumeId): Effect.Effect<void, VirtualizerError> {
    return this.tell("detach", this.monitor.detachVolume(volume))
  }
}
