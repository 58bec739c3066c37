/**
 * Watching one simulated guest, and commanding it.
 */
import { Duration, Effect, Option, Scope } from "effect"
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import { Followers } from "../../internal/Followers.ts"
import type { Ended, Follower, GuestEvent, GuestStatus, Monitor } from "../../Virtualizer.ts"
import {
  AttachFailed,
  DetachFailed,
  fail,
  NotRunning,
  NotSupported,
  Unreachable,
  type VirtualizerError
} from "../../VirtualizerError.ts"
import { deadlineMillis } from "./Latency.ts"
import type { Machine, Watcher } from "./Machine.ts"
import { isDone, lag, late, type Reach } from "./Reach.ts"
import { notThere } from "./SimulatedImage.ts"
import * as SimulatedLaunch from "./SimulatedLaunch.ts"

const unreachable = (detail: string): VirtualizerError => fail(new Unreachable({ detail }))
const silent = (): VirtualizerError => unreachable(`no answer within ${deadlineMillis.command} ms`)

const notLive = Effect.fail(fail(new NotSupported({ what: "changing the volumes of a running guest" })))

/** Takes hold of the guest of an instance. The scope's end lets it go, and leaves it as it is. */
export const make = Effect.fnUntraced(function*(
  reach: Reach,
  id: InstanceId
): Effect.fn.Return<Monitor, VirtualizerError, Scope.Scope> {
  yield* lag(reach, "monitor")
  const machine = yield* find(reach, id)
  const { fence } = reach
  const scope = yield* Effect.scope
  const taken = fence.actEffect(() => {
    if (machine.isFrozen || machine.isSevered) return Effect.fail(unreachable("the control channel does not answer"))
    if (machine.watcher?.isOver === false) {
      reach.host.conditions.violate(`a second monitor of ${id} was asked for`)
      return Effect.fail(unreachable("another monitor has its control channel"))
    }
    return machine.isThere
      ? Effect.succeed(new SimulatedMonitor(reach, machine))
      : Effect.fail(fail(new NotRunning()))
  })
  // By the scope itself: what is acquired and released keeps the whole context of its caller, and there are many of these.
  return yield* Effect.uninterruptible(
    Effect.tap(taken, (monitor) => Scope.addFinalizer(scope, monitor.letGo))
  )
})

/** The guest, once it takes up a connection. */
const find = (reach: Reach, id: InstanceId): Effect.Effect<Machine, VirtualizerError> =>
  reach.fence.actEffect(() => {
    const machine = reach.host.machine(id)
    if (machine === undefined) return Effect.fail(fail(new NotRunning()))
    if (machine.isSevered) return Effect.fail(unreachable("its control channel is closed"))
    if (!machine.isFrozen) return Effect.succeed(machine)
    const isOver = () => !machine.isFrozen || !machine.isThere || machine.isSevered
    return Effect.timeoutOption(machine.until(isOver), deadlineMillis.dial).pipe(
      Effect.flatMap((over) =>
        Option.isSome(over)
          ? find(reach, id)
          : Effect.fail(unreachable(`it did not take up the connection within ${deadlineMillis.dial} ms`))
      )
    )
  })

class SimulatedMonitor implements Monitor, Watcher {
  readonly #reach: Reach
  readonly #machine: Machine
  /** What the guest was and had when it connected. */
  #connection: GuestStatus | undefined
  readonly #followers = new Followers<GuestEvent, Ended>()

  constructor(reach: Reach, machine: Machine) {
    this.#reach = reach
    this.#machine = machine
    // One that it had before is over.
    machine.watcher = this
    if (machine.answers) this.onConnected()
  }

  get #end(): Ended | undefined {
    return this.#followers.end
  }

  get isOver(): boolean {
    return this.#end !== undefined || !this.#reach.fence.isUp
  }

  /** Watches no more. What a dead launcher holds on to is no reason for its scope not to close. */
  get letGo(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#followers.clear()
      return Effect.exit(this.#reach.fence.act(() => {
        if (this.#machine.watcher === this) this.#machine.watcher = undefined
      }))
    })
  }

  onConnected(): void {
    if (this.#reach.fence.isUp) this.#connection ??= this.#machine.report
  }

  onEvent(event: GuestEvent): void {
    if (this.#reach.fence.isUp) this.#followers.tell(event)
  }

  onExited(status: ExitStatus): void {
    this.#finish({ _tag: "Exited", status })
  }

  onLost(cause: string): void {
    this.#finish({ _tag: "Lost", cause })
  }

  #finish(end: Ended): void {
    if (this.isOver) return
    this.#followers.finish(end)
    this.#machine.onlookers.changed()
  }

  get connected(): Effect.Effect<GuestStatus> {
    return this.#reach.fence.actEffect(() => this.#machine.onlookers.wait(() => this.#connection))
  }

  get ended(): Effect.Effect<Ended> {
    return this.#reach.fence.actEffect(() => this.#machine.onlookers.wait(() => this.#end))
  }

  follow(follower: Follower): Effect.Effect<void, never, Scope.Scope> {
    return this.#reach.fence.actEffect(() => this.#followers.follow(follower))
  }

  get status(): Effect.Effect<GuestStatus, VirtualizerError> {
    return Effect.andThen(lag(this.#reach, "command"), this.#answer(() => Effect.succeed(this.#machine.report)))
  }

  /** What the guest answers to a command, once it does. */
  #answer<A>(act: () => Effect.Effect<A, VirtualizerError>): Effect.Effect<A, VirtualizerError> {
    const machine = this.#machine
    return this.#reach.fence.actEffect(() => {
      if (!machine.isThere) return Effect.fail(fail(new NotRunning()))
      if (this.#end !== undefined || machine.isSevered) return Effect.fail(unreachable("its control channel is closed"))
      if (machine.answers) return act()
      const isOver = () => machine.answers || machine.isSevered || !machine.isThere || this.#end !== undefined
      return Effect.flatMap(
        Effect.timeoutOption(machine.until(isOver), deadlineMillis.command),
        (over) => Option.isSome(over) ? this.#answer(act) : Effect.fail(silent())
      )
    })
  }

  /** A command that takes its time, and changes something at its end. */
  #late(
    latency: "command" | "hotplug",
    act: () => Effect.Effect<void, VirtualizerError>,
    doAllTheSame: () => void
  ): Effect.Effect<void, VirtualizerError> {
    return late(this.#reach, this.#machine.id, latency, this.#answer(act), () => {
      if (this.#machine.answers) doAllTheSame()
    })
  }

  get pause(): Effect.Effect<void, VirtualizerError> {
    return this.#setPaused(true)
  }

  get resume(): Effect.Effect<void, VirtualizerError> {
    return this.#setPaused(false)
  }

  #setPaused(paused: boolean): Effect.Effect<void, VirtualizerError> {
    if (!this.#reach.capabilities.pause) return Effect.fail(fail(new NotSupported({ what: "pausing a guest" })))
    const set = () => this.#machine.pause(paused)
    return this.#late("command", () => Effect.succeed(set()), set)
  }

  attachVolume(volume: Volume): Effect.Effect<void, VirtualizerError> {
    const { capabilities, fence, host } = this.#reach
    const machine = this.#machine
    if (!capabilities.liveVolumes) return notLive
    const plug = Effect.acquireUseRelease(
      fence.actEffect(() => this.#beginPlug(volume)),
      () => Effect.andThen(lag(this.#reach, "hotplug"), this.#answer(() => Effect.void)),
      (_, exit) =>
        fence.act(() => {
          // A guest that does not answer, or is paused, does not let go either.
          if (!isDone(this.#reach, machine.id, exit) && machine.answers && !machine.isPaused) {
            host.detach(machine, volume.id)
          }
        })
    )
    return this.#late("hotplug", () => machine.has(volume.id) ? Effect.void : plug, () => {
      if (host.rival(volume) === undefined && !host.missing.has(volume.source.path)) host.attach(machine, volume)
    })
  }

  #beginPlug(volume: Volume): Effect.Effect<void, VirtualizerError> {
    const { host } = this.#reach
    const { id } = this.#machine
    const refused = (detail: string) => Effect.fail(fail(new AttachFailed({ volume: volume.id, detail })))
    const { path } = volume.source
    if (host.missing.has(path)) return Effect.fail(notThere(path))
    const rival = host.rival(volume)
    if (rival !== undefined) {
      host.conditions.violate(`volume ${volume.id} of ${id} is in use by ${rival.id}`, rival.id)
      return refused("it is in use by another guest: detach it there first")
    }
    const fails = host.strikes("attachFails", id)
    if (!fails || host.conditions.dice("half of attachFails").chance(0.5)) host.attach(this.#machine, volume)
    return fails ? refused("it could not be plugged in: look whether the guest has it, and try again") : Effect.void
  }

  detachVolume(volume: VolumeId): Effect.Effect<void, VirtualizerError> {
    const { capabilities, host } = this.#reach
    const machine = this.#machine
    if (!capabilities.liveVolumes) return notLive
    const unplug = () => {
      if (!machine.isPaused) host.detach(machine, volume)
    }
    const refused = (detail: string) => Effect.fail(fail(new DetachFailed({ volume, detail })))
    return this.#late("hotplug", () => {
      if (!machine.has(volume)) return Effect.void
      if (machine.isPaused) return refused("the guest is paused, and can not let go of it: resume it first")
      return host.strikes("detachFails", machine.id)
        ? refused("the guest did not let go of it: try again")
        : Effect.succeed(unplug())
    }, unplug)
  }

  /**
   * Presses the power button until the guest has ended or `grace` is over; tells it to quit; and kills it. A guest that is paused, or
   * does not answer, can not look at the button and is not asked.
   */
  stop(grace: Duration.Duration): Effect.Effect<void, VirtualizerError> {
    const { fence } = this.#reach
    const machine = this.#machine
    return Effect.gen({ self: this }, function*() {
      yield* lag(this.#reach, "command")
      let leftMillis = Duration.toMillis(grace)
      if (leftMillis > 0 && (yield* this.#isRunning)) {
        while (leftMillis > 0 && this.#end === undefined) {
          yield* fence.act(() => machine.press())
          const millis = Math.min(leftMillis, deadlineMillis.press)
          yield* this.#endWithin(millis)
          leftMillis -= millis
        }
      }
      if (this.#end === undefined) {
        yield* fence.act(() => machine.quit())
        yield* this.#endWithin(deadlineMillis.kill)
      }
      yield* SimulatedLaunch.slay(this.#reach, machine)
    })
  }

  get #isRunning(): Effect.Effect<boolean> {
    return Effect.orElseSucceed(this.#answer(() => Effect.succeed(!this.#machine.isPaused)), () => false)
  }

  #endWithin(millis: number): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#end === undefined
        ? Effect.asVoid(Effect.timeoutOption(this.#machine.onlookers.wait(() => this.#end), millis))
        : Effect.void
    )
  }
}
