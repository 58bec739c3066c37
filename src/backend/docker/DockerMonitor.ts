/**
 * Watching one running container by its engine's events, and commanding it.
 */
import { Deferred, Duration, Effect, Exit, Queue, Scope } from "effect"
import { type ExitStatus, unknown } from "../../domain/ExitStatus.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import * as Containers from "../../docker/Containers.ts"
import { type EngineError, isAway } from "../../docker/EngineError.ts"
import { Followers } from "../../internal/Followers.ts"
import type { Ended, Follower, GuestEvent, GuestStatus, Monitor } from "../../Virtualizer.ts"
import { fail, NotRunning, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import type { Heard } from "./ContainerEvents.ts"
import type { Listed } from "./ContainerList.ts"
import { exitStatus, isRunning, isRunningStatus, killedCode } from "./ContainerState.ts"
import * as DockerContainer from "./DockerContainer.ts"
import type { DockerHost, Services } from "./DockerHost.ts"
import * as DockerVolumes from "./DockerVolumes.ts"
import * as EngineTrouble from "./EngineTrouble.ts"
import * as MonitorClaim from "./MonitorClaim.ts"
import { PauseState, settlesAfter } from "./PauseState.ts"

const removed: ExitStatus = { _tag: "Removed" }

/** A time of the engine in nanoseconds, as exactly as its events have it. */
const nanosOf = (rfc3339: string): number => {
  const nanos = /\.(\d{1,9})/.exec(rfc3339)?.[1] ?? ""
  return Math.floor(Date.parse(rfc3339) / 1000) * 1e9 + Number(nanos.padEnd(9, "0"))
}

/** Docker sends SIGTERM where an image says nothing. */
const stopSignalOf = ({ Config: { StopSignal = "" } }: Containers.Container): string =>
  StopSignal === "" ? "SIGTERM" : `${StopSignal}`

/**
 * Watches a container that runs: the one that was `started` just now, or the one that is there. It is looked at once the engine has
 * been asked to tell, so that nothing is missed in between.
 * The watching lives in the scope; its end leaves the container as it is.
 */
export const make = Effect.fnUntraced(function*(
  host: DockerHost,
  id: InstanceId,
  started: string | undefined
): Effect.fn.Return<Monitor, VirtualizerError, Scope.Scope> {
  const heard = yield* Effect.mapError(host.events.listen(id), EngineTrouble.failure)
  const listed = started === undefined
    ? yield* Effect.mapError(host.list.find(id), EngineTrouble.failure)
    : { container: started, status: "running" }
  if (listed === undefined || !isRunningStatus(listed.status)) return yield* fail(new NotRunning())
  const claim = yield* Scope.fork(yield* Effect.scope)
  yield* Scope.provide(MonitorClaim.take(listed.container), claim)
  const monitor = new DockerMonitor(host, id, listed, claim)
  yield* Effect.addFinalizer(() => monitor.letGo)
  yield* Effect.forkScoped(monitor.watch(heard), { startImmediately: true })
  return monitor
})

class DockerMonitor implements Monitor {
  readonly #host: DockerHost
  readonly #id: InstanceId
  /** The container's own id: another of its name is another guest. */
  readonly #container: string
  /** That nobody else watches it, until it has ended. */
  readonly #claim: Scope.Closeable
  /** When the run began that is watched, once it has been looked at. */
  #startedAt: string | undefined = undefined
  /** Whether the kernel ended one of its processes for lack of memory. */
  #outOfMemory = false
  /** Who told the engine to kill it, if somebody did. */
  #killer: "us" | "somebody" | undefined = undefined
  /** Whether it may have volumes, which are let go of when it has ended. */
  #mayHaveVolumes = true
  readonly #followers = new Followers<GuestEvent, Ended>()
  readonly #connected = Deferred.makeUnsafe<GuestStatus>()
  readonly #ended = Deferred.makeUnsafe<Ended>()
  readonly #pause: PauseState

  constructor(
    host: DockerHost,
    id: InstanceId,
    { container, status }: Listed,
    claim: Scope.Closeable
  ) {
    this.#host = host
    this.#id = id
    this.#container = container
    this.#pause = new PauseState(
      status === "paused",
      claim,
      this.#isPaused,
      (paused) => this.#followers.tell({ _tag: paused ? "Paused" : "Resumed" })
    )
    this.#claim = claim
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

  #run<A, E>(name: string, effect: Effect.Effect<A, E, Services>): Effect.Effect<A, E> {
    return effect.pipe(Effect.provideContext(this.#host.services), Effect.withSpan(name))
  }

  get #volumes(): Effect.Effect<ReadonlyArray<VolumeId>, VirtualizerError, Services> {
    return this.#host.volumes === "none" ? Effect.succeed([]) : DockerVolumes.mounted(this.#host.config, this.#id)
  }

  /** The container in the run that is watched; nothing when that has ended. Fails as the engine does. */
  get #running(): Effect.Effect<Containers.Container | undefined, EngineError> {
    return Effect.map(
      DockerContainer.inspect(this.#host, this.#container),
      (container) => container !== undefined && this.#isSame(container) ? container : undefined
    )
  }

  #isSame({ State }: Containers.Container): boolean {
    return isRunning(State) && (this.#startedAt === undefined || State.StartedAt === this.#startedAt)
  }

  /** Whether it is paused, as the engine says. */
  get #isPaused(): Effect.Effect<boolean, VirtualizerError> {
    return Effect.flatMap(
      Effect.mapError(this.#running, EngineTrouble.failure),
      (container) =>
        container === undefined ? Effect.fail(fail(new NotRunning())) : Effect.succeed(container.State.Paused)
    )
  }

  get status(): Effect.Effect<GuestStatus, VirtualizerError> {
    return this.#run(
      "DockerMonitor.status",
      Effect.gen({ self: this }, function*() {
        return { paused: yield* this.#pause.settled, volumes: yield* this.#volumes }
      })
    )
  }

  get pause(): Effect.Effect<void, VirtualizerError> {
    const asked = this.#host.engine.execute(Containers.pause(this.#container))
    return this.#pause.set(true, asked).pipe(Effect.withSpan("DockerMonitor.pause"))
  }

  get resume(): Effect.Effect<void, VirtualizerError> {
    const asked = this.#host.engine.execute(Containers.unpause(this.#container))
    return this.#pause.set(false, asked).pipe(Effect.withSpan("DockerMonitor.resume"))
  }

  attachVolume(volume: Volume): Effect.Effect<void, VirtualizerError> {
    return this.#plug(DockerVolumes.attach(this.#host.config, this.#id, volume), "DockerMonitor.attachVolume")
  }

  detachVolume(volume: VolumeId): Effect.Effect<void, VirtualizerError> {
    return this.#plug(DockerVolumes.detach(this.#host.config, this.#id, volume), "DockerMonitor.detachVolume")
  }

  /** What is done to a container that runs, and undone if it has ended meanwhile. */
  #plug(act: Effect.Effect<void, VirtualizerError, Services>, name: string): Effect.Effect<void, VirtualizerError> {
    if (this.#host.volumes !== "live") return Effect.fail(fail(DockerVolumes.notLive))
    return this.#run(
      name,
      Effect.gen({ self: this }, function*() {
        const isThere = Effect.map(
          Effect.mapError(this.#running, EngineTrouble.failure),
          (container) => container !== undefined
        )
        if (!(yield* isThere)) return yield* fail(new NotRunning())
        this.#mayHaveVolumes = true
        yield* act
        if (yield* isThere) return
        yield* DockerVolumes.release(this.#host.config, this.#id)
        return yield* fail(new NotRunning())
      })
    )
  }

  /** The container, if it runs and is not paused. Of what seems to be paused the engine may be wrong. */
  get #hearing(): Effect.Effect<Containers.Container | undefined, EngineError> {
    return Effect.gen({ self: this }, function*() {
      const first = yield* this.#running
      const container = first?.State.Paused === true ? yield* Effect.delay(this.#running, settlesAfter) : first
      return container?.State.Paused === true ? undefined : container
    })
  }

  /**
   * Sends the image's stop signal, and SIGKILL when the container has not ended within `grace`. One that is paused hears nothing and
   * is not asked: nobody wanted it resumed.
   */
  stop(grace: Duration.Duration): Effect.Effect<void, VirtualizerError> {
    const { config, engine } = this.#host
    return this.#run(
      "DockerMonitor.stop",
      Effect.gen({ self: this }, function*() {
        const hearing = Duration.toMillis(grace) > 0
          ? yield* Effect.mapError(this.#hearing, EngineTrouble.failure)
          : undefined
        if (hearing !== undefined) {
          const asked = engine.execute(Containers.kill(this.#container, stopSignalOf(hearing)))
          // It may have ended just now.
          yield* Effect.catchIf(asked, (error) => !isAway(error), () => Effect.void).pipe(
            Effect.mapError(EngineTrouble.failure)
          )
          yield* Effect.timeoutOption(this.ended, grace)
        }
        this.#killer ??= "us"
        yield* DockerContainer.kill(this.#host, DockerContainer.inspect(this.#host, this.#container))
        // What watches sees the same a moment later.
        yield* Effect.timeoutOption(this.ended, config.killDeadline)
      })
    )
  }

  /** Watches until the container or its engine is gone, and completes `ended`. */
  watch(heard: Queue.Dequeue<Heard>): Effect.Effect<void> {
    return this.#run(
      "DockerMonitor.watch",
      Effect.gen({ self: this }, function*() {
        const volumes = yield* this.#volumes
        this.#mayHaveVolumes = volumes.length > 0
        yield* Deferred.succeed(this.#connected, { paused: this.#pause.paused, volumes })
        // Who waits for that goes first.
        yield* Effect.yieldNow
        const gone = yield* this.#host.leisure.withPermit(this.#learn)
        if (gone !== undefined) return gone
        while (true) {
          const ended = yield* this.#on(yield* Queue.take(heard))
          if (ended !== undefined) return ended
        }
      }).pipe(
        Effect.catch((error) => Effect.succeed<Ended>({ _tag: "Lost", cause: error.message })),
        Effect.tap(() => Scope.close(this.#claim, Exit.void)),
        Effect.map((ended) => {
          this.#followers.finish(ended)
          Deferred.doneUnsafe(this.#ended, Exit.succeed(ended))
        })
      )
    )
  }

  /** Learns what the list does not tell of the run. Answers how it ended, if it did. */
  get #learn(): Effect.Effect<Ended | undefined, VirtualizerError, Services> {
    return Effect.gen({ self: this }, function*() {
      const container = yield* this.#inspected
      if (container === undefined || !isRunning(container.State)) return yield* this.#gone(container, unknown)
      this.#startedAt = container.State.StartedAt
      this.#outOfMemory = container.State.OOMKilled
      yield* this.#pause.heard(container.State.Paused)
      return undefined
    })
  }

  /** Takes notice of what was heard. Answers how the guest ended, if it did. */
  #on(heard: Heard): Effect.Effect<Ended | undefined, VirtualizerError, Services> {
    if (heard._tag === "Lost") return Effect.succeed({ _tag: "Lost", cause: heard.cause })
    if (heard._tag === "Resumed") return this.#look()
    const { Action, Actor, timeNano } = heard.event
    // Of another container, or of an earlier run.
    const isEarlier = this.#startedAt !== undefined && timeNano < nanosOf(this.#startedAt)
    if (Actor.ID !== this.#container || isEarlier) return Effect.undefined
    switch (Action) {
      case "pause":
        return Effect.as(this.#pause.heard(true), undefined)
      case "unpause":
        return Effect.as(this.#pause.heard(false), undefined)
      case "oom":
        return Effect.sync(() => this.#notice())
      case "kill":
        return Effect.sync(() => this.#noticeKill(Actor.Attributes?.["signal"]))
      case "die":
        return this.#died(Actor.Attributes?.["exitCode"])
      default:
        return this.#look()
    }
  }

  #notice(): undefined {
    this.#outOfMemory = true
  }

  #noticeKill(signal: string | undefined): undefined {
    if (signal === undefined || /^(9|(SIG)?KILL)$/i.test(signal)) this.#killer ??= "somebody"
  }

  /**
   * The event says how it ended, but for one that somebody else had the engine kill: whether for being removed, the engine says
   * when it is asked.
   */
  #died(exitCode: string | undefined): Effect.Effect<Ended | undefined, VirtualizerError, Services> {
    const code = Number.parseInt(exitCode ?? "", 10)
    if (Number.isNaN(code)) return this.#look()
    const status = exitStatus({ ExitCode: code, OOMKilled: this.#outOfMemory, Error: "" })
    return code === killedCode && this.#killer === "somebody" ? this.#look(status) : this.#exited(status)
  }

  /** Looks at the container: only the engine's own word is proof. One that runs again no longer says how it ended before. */
  #look(before: ExitStatus = unknown): Effect.Effect<Ended | undefined, VirtualizerError, Services> {
    return Effect.gen({ self: this }, function*() {
      const container = yield* this.#inspected
      if (container === undefined || !this.#isSame(container)) return yield* this.#gone(container, before)
      yield* this.#pause.heard(container.State.Paused)
      return undefined
    })
  }

  get #inspected(): Effect.Effect<Containers.Container | undefined, VirtualizerError> {
    return Effect.mapError(
      DockerContainer.inspect(this.#host, this.#container),
      (error) => isAway(error) ? fail(new Unreachable({ detail: error.message })) : EngineTrouble.failure(error)
    )
  }

  /** The run is over that was watched, as what there is now shows. */
  #gone(container: Containers.Container | undefined, before: ExitStatus): Effect.Effect<Ended, never, Services> {
    return this.#exited(
      container === undefined ? removed : isRunning(container.State) ? before : exitStatus(container.State)
    )
  }

  /** Lets go of the volumes of a container that has ended. */
  #exited(status: ExitStatus): Effect.Effect<Ended, never, Services> {
    const exited: Ended = { _tag: "Exited", status }
    if (this.#host.volumes === "none" || !this.#mayHaveVolumes) return Effect.succeed(exited)
    return DockerVolumes.release(this.#host.config, this.#id).pipe(
      Effect.catch((error) => Effect.logWarning("volumes of a container that has ended are still mounted", error)),
      Effect.as(exited)
    )
  }
}
