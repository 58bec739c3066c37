/**
 * Watching one running guest over QMP, and commanding it.
 */
import { Deferred, Duration, Effect, Exit, type Scope, Stream } from "effect"
import { type ExitStatus, unknown } from "../../domain/ExitStatus.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import * as Disconnect from "../../qmp/Disconnect.ts"
import type { QmpClient } from "../../qmp/QmpClient.ts"
import * as QmpCommands from "../../qmp/QmpCommands.ts"
import type { QmpError } from "../../qmp/QmpError.ts"
import type { QmpEvent } from "../../qmp/QmpEvent.ts"
import { Followers } from "../../internal/Followers.ts"
import type { Ended, Follower, GuestEvent, GuestStatus, Monitor } from "../../Virtualizer.ts"
import { fail, NotRunning, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"
import * as QemuExit from "./QemuExit.ts"
import type { QemuHost, Services } from "./QemuHost.ts"
import * as QemuHotplug from "./QemuHotplug.ts"
import { QemuPlugging } from "./QemuPlugging.ts"
import * as QemuProcess from "./QemuProcess.ts"
import * as QemuVolume from "./QemuVolume.ts"
import { isPaused } from "./RunState.ts"

/** What is watched. */
export interface Options {
  readonly host: QemuHost
  readonly directory: QemuDirectory
  readonly identity: QemuProcess.Identity
  readonly client: QmpClient
  /** When it was us who launched it just now: the volumes it was given, and what completes when its processors run. */
  readonly launched:
    | { readonly volumes: ReadonlyArray<VolumeId>; readonly resumed: Effect.Effect<void, QmpError> }
    | undefined
}

/** How often a guest is shown the power button: one that boots does not look at it. */
const pressAgainAfter = Duration.seconds(2)

/** Resets that follow one another this closely are one reboot: firmware and kernels reset several times to be sure. */
const rebootMillis = 1000

/** How a guest ended that is held by QEMU in this run state, if it is. */
const heldStatus = (status: string): ExitStatus | undefined =>
  status === "shutdown"
    ? { _tag: "PoweredOff" }
    : status === "guest-panicked"
    ? { _tag: "Panicked" }
    : undefined

const quit: ExitStatus = { _tag: "Quit" }
const killed: ExitStatus = { _tag: "Killed", signal: "SIGKILL" }

/** Why a guest's process is about to end, as QEMU says (ShutdownCause). A guest's own power-off is held instead. */
const shutdownStatus = (reason: string): ExitStatus | undefined => {
  switch (reason) {
    case "guest-shutdown":
      return { _tag: "PoweredOff" }
    case "guest-panic":
      return { _tag: "Panicked" }
    case "host-qmp-quit":
      return quit
    case "host-signal":
      return { _tag: "Killed", signal: "SIGTERM" }
    default:
      return undefined
  }
}

/**
 * Watches a guest. Its processors are told to run if they never have been: a guest that was paused stays paused. The
 * watching lives in the scope, which must not outlive the client's; its end leaves the guest as it is.
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Monitor, never, Scope.Scope> {
  const monitor = new QemuMonitor(options)
  yield* Effect.addFinalizer(() => monitor.letGo)
  yield* Effect.forkScoped(monitor.watch, { startImmediately: true })
  return monitor
})

class QemuMonitor implements Monitor {
  readonly #options: Options
  readonly #followers = new Followers<GuestEvent, Ended>()
  readonly #connected = Deferred.makeUnsafe<GuestStatus>()
  readonly #ended = Deferred.makeUnsafe<Ended>()
  readonly #plugging: QemuPlugging
  /** How it ends, as far as that is known before it has. */
  #status: ExitStatus | undefined = undefined
  #paused = false
  /** When it was reset last, by QEMU's clock. */
  #resetMillis = -Infinity

  constructor(options: Options) {
    this.#options = options
    this.#plugging = new QemuPlugging(options.client)
  }

  get connected(): Effect.Effect<GuestStatus> {
    return Deferred.await(this.#connected)
  }

  get ended(): Effect.Effect<Ended> {
    return Deferred.await(this.#ended)
  }

  follow(follower: Follower): Effect.Effect<void, never, Scope.Scope> {
    return this.#followers.follow(follower)
  }

  /** Tells nobody anything any more. */
  get letGo(): Effect.Effect<void> {
    return Effect.sync(() => this.#followers.clear())
  }

  get status(): Effect.Effect<GuestStatus, VirtualizerError> {
    return this.#seen.pipe(
      Effect.mapError((error) => this.#failure(error)),
      Effect.flatMap(({ held, status }) =>
        held === undefined ? Effect.succeed(status) : Effect.fail(fail(new NotRunning()))
      ),
      Effect.withSpan("QemuMonitor.status")
    )
  }

  /** What QEMU says of the guest now, and how it ended if it is held at its end. */
  get #seen() {
    const { client } = this.#options
    return Effect.all([client.execute(QmpCommands.queryStatus, undefined), QemuHotplug.volumes(client)], {
      concurrency: "unbounded"
    }).pipe(
      Effect.map(([{ running, status }, volumes]) => ({
        held: heldStatus(status),
        isUnbegun: status === "prelaunch",
        status: { paused: isPaused(running, status) && status !== "prelaunch", volumes }
      }))
    )
  }

  /** The same of a guest that somebody else may have left in the middle of something. */
  get #found() {
    const { client } = this.#options
    return Effect.all([this.#seen, QemuHotplug.openNodes(client)], { concurrency: "unbounded" }).pipe(
      Effect.tap(([{ status }, open]) => QemuHotplug.closeStray(client, open, status.volumes)),
      Effect.map(([seen]) => seen)
    )
  }

  get pause(): Effect.Effect<void, VirtualizerError> {
    return this.#command(this.#options.client.execute(QmpCommands.stop, undefined), "QemuMonitor.pause")
  }

  get resume(): Effect.Effect<void, VirtualizerError> {
    return this.#command(this.#options.client.execute(QmpCommands.cont, undefined), "QemuMonitor.resume")
  }

  #command(command: Effect.Effect<void, QmpError>, name: string): Effect.Effect<void, VirtualizerError> {
    return command.pipe(Effect.mapError((error) => this.#failure(error)), Effect.withSpan(name))
  }

  attachVolume(volume: Volume): Effect.Effect<void, VirtualizerError> {
    return QemuVolume.prepare(this.#options.host, volume).pipe(
      Effect.flatMap((node) => this.#plugging.attach(volume, node)),
      this.#plug("QemuMonitor.attachVolume")
    )
  }

  detachVolume(volume: VolumeId): Effect.Effect<void, VirtualizerError> {
    return this.#plugging.detach(volume, this.#options.host.config.hotplugDeadline).pipe(
      this.#plug("QemuMonitor.detachVolume")
    )
  }

  #plug(name: string) {
    return (self: Effect.Effect<void, VirtualizerError>): Effect.Effect<void, VirtualizerError> =>
      self.pipe(
        Effect.mapError((error) =>
          error.reason._tag === "Unreachable" && this.#isGone ? fail(new NotRunning()) : error
        ),
        Effect.withSpan(name)
      )
  }

  get #isGone(): boolean {
    return !QemuProcess.isAlive(this.#options.identity)
  }

  #failure(error: QmpError): VirtualizerError {
    // QEMU refuses to run a guest that it holds at its end.
    const isHeld = error.reason._tag === "CommandFailed" && this.#status !== undefined
    return fail(isHeld || this.#isGone ? new NotRunning() : new Unreachable({ detail: error.message }))
  }

  /**
   * Presses the power button until the guest has ended or `grace` is over; `quit`; and SIGKILL. The button is pressed again
   * every two seconds. A guest that does not run can not look at it and is not asked: nobody wanted it resumed.
   */
  stop(grace: Duration.Duration): Effect.Effect<void, VirtualizerError> {
    const { client, directory, host: { config }, identity } = this.#options
    return Effect.gen({ self: this }, function*() {
      if (Duration.toMillis(grace) > 0 && !this.#isEnded && (yield* this.#isRunning)) {
        yield* Effect.ignore(client.execute(QmpCommands.systemPowerdown, undefined)).pipe(
          Effect.andThen(Effect.sleep(pressAgainAfter)),
          Effect.forever,
          Effect.raceFirst(this.ended),
          Effect.timeoutOption(grace)
        )
      }
      if (!this.#isEnded) {
        this.#status ??= quit
        yield* Effect.all([
          this.#record(QemuExit.note(directory.exit, this.#status)),
          Effect.ignore(client.execute(QmpCommands.quit, undefined, { deadline: config.killDeadline })),
          Effect.timeoutOption(this.ended, config.killDeadline)
        ], { concurrency: "unbounded", discard: true })
      }
      if (!this.#isGone) {
        this.#status = killed
        yield* this.#record(QemuExit.note(directory.exit, killed))
        yield* QemuProcess.kill(identity, config.killDeadline)
      }
      // What watches sees the same a moment later.
      yield* Effect.timeoutOption(this.ended, config.killDeadline)
    }).pipe(Effect.withSpan("QemuMonitor.stop"))
  }

  get #isEnded(): boolean {
    return Deferred.isDoneUnsafe(this.#ended)
  }

  get #isRunning(): Effect.Effect<boolean> {
    return this.#options.client.execute(QmpCommands.queryStatus, undefined).pipe(
      Effect.map(({ running, status }) => !isPaused(running, status)),
      Effect.orElseSucceed(() => false)
    )
  }

  /** Watches until the guest or its control channel has ended, and completes `ended`. */
  get watch(): Effect.Effect<void> {
    return this.#follow.pipe(
      Effect.catch(({ message, reason }) =>
        this.#disconnected(reason._tag === "Disconnected" ? reason.cause : message)
      ),
      Effect.map((ended) => {
        this.#followers.finish(ended)
        Deferred.doneUnsafe(this.#ended, Exit.succeed(ended))
      })
    )
  }

  get #follow(): Effect.Effect<Ended, QmpError> {
    const { client, launched } = this.#options
    return Effect.scoped(Effect.gen({ self: this }, function*() {
      const { events } = yield* client.subscribe
      const seen = launched === undefined
        ? yield* this.#found
        : yield* Effect.as(launched.resumed, {
          held: undefined,
          isUnbegun: false,
          status: { paused: false, volumes: launched.volumes }
        })
      let held = seen.held
      if (held === undefined) {
        this.#paused = seen.status.paused
        if (seen.isUnbegun) yield* client.execute(QmpCommands.cont, undefined)
        yield* Deferred.succeed(this.#connected, seen.status)
        yield* Stream.runForEachWhile(events, (event) =>
          Effect.suspend(() => {
            held = this.#on(event)
            const device = event._tag === "DeviceDeleted" ? event.device : undefined
            const letGo = device !== undefined && this.#plugging.isOverdue(device)
              ? Effect.forkScoped(this.#plugging.letGo(device))
              : Effect.void
            return Effect.as(letGo, held === undefined)
          }))
      }
      return yield* held === undefined
        ? Effect.flatMap(client.disconnected, (cause) => this.#disconnected(cause))
        : this.#letGo(held)
    }))
  }

  /** Takes notice of an event. Answers how the guest ended, when QEMU holds it at its end. */
  #on(event: QmpEvent): ExitStatus | undefined {
    switch (event._tag) {
      case "Shutdown": {
        const status = shutdownStatus(event.reason)
        this.#status = status ?? this.#status
        return status?._tag === "PoweredOff" ? status : undefined
      }
      case "GuestPanicked":
        return event.action === "pause" ? { _tag: "Panicked" } : undefined
      case "Reset":
        if (event.guest && event.timestampMillis - this.#resetMillis > rebootMillis) this.#tell({ _tag: "Rebooted" })
        this.#resetMillis = event.timestampMillis
        return undefined
      case "Stop":
        if (!this.#paused && this.#status === undefined) this.#tell({ _tag: "Paused" })
        this.#paused = true
        return undefined
      case "Resume":
        if (this.#paused) this.#tell({ _tag: "Resumed" })
        this.#paused = false
        return undefined
      default:
        return undefined
    }
  }

  #tell(event: GuestEvent): void {
    this.#followers.tell(event)
  }

  /** Lets a guest go that QEMU holds at its end, once the reason is on disk. */
  #letGo(status: ExitStatus): Effect.Effect<Ended> {
    const { client, directory, host: { config }, identity } = this.#options
    this.#status = status
    return this.#record(QemuExit.write(directory.exit, status)).pipe(
      Effect.andThen(Effect.ignore(client.execute(QmpCommands.quit, undefined, { deadline: config.killDeadline }))),
      Effect.andThen(QemuProcess.goneWithin(identity, config.killDeadline)),
      Effect.flatMap((gone) => gone ? Effect.void : QemuProcess.kill(identity, config.killDeadline)),
      Effect.as<Ended>({ _tag: "Exited", status }),
      Effect.catch((error) => Effect.succeed<Ended>({ _tag: "Lost", cause: error.message }))
    )
  }

  /** The control channel is of no use any more: the guest has ended, or not. */
  #disconnected(cause: Disconnect.Disconnect | string): Effect.Effect<Ended> {
    const { directory, host, identity } = this.#options
    return Effect.gen({ self: this }, function*() {
      // The connection closes early in a process's end, which takes a while.
      const isEnding = typeof cause !== "string" && (cause._tag === "Closed" || cause._tag === "Broken")
      const isGone = isEnding ? yield* QemuProcess.goneWithin(identity, host.config.killDeadline) : this.#isGone
      if (!isGone) return { _tag: "Lost", cause: typeof cause === "string" ? cause : Disconnect.format(cause) } as const
      yield* this.#record(QemuExit.confirm(directory.exit))
      const status = this.#status ?? (yield* Effect.provideContext(QemuExit.read(directory.exit), host.services))
      return { _tag: "Exited", status: status ?? unknown } as const
    })
  }

  /** What can not be recorded is lost with this process, and no reason to keep a guest that ended. */
  #record(write: Effect.Effect<void, VirtualizerError, Services>): Effect.Effect<void> {
    return write.pipe(
      Effect.catch((error) => Effect.logWarning("how a guest ended could not be recorded", error)),
      Effect.provideContext(this.#options.host.services)
    )
  }
}
