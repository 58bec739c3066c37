/**
 * A virtualizer in memory for tests of the launcher. Its world survives launchers. A test scripts what happens at each point:
 * an operation can wait at a gate, fail, hang or die. Nothing takes time by itself, but for a stop's grace.
 */
import { Deferred, Effect, Exit, Queue, Stream } from "effect"
import type { ExitStatus } from "../../src/domain/ExitStatus.ts"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import type { VolumeId } from "../../src/domain/Volume.ts"
import type { Ended, FoundGuest, Guest, GuestEvent, GuestStatus, Monitor, Virtualizer } from "../../src/Virtualizer.ts"
import {
  fail,
  NotRunning,
  NotSupported,
  type Reason,
  Unreachable,
  type VirtualizerError
} from "../../src/VirtualizerError.ts"

/** Where a script can interfere. `launched` and `created` lie after the act, all others before it. */
export type Point =
  | "probe"
  | "image"
  | "create"
  | "created"
  | "launch"
  | "launched"
  | "monitor"
  | "connect"
  | "status"
  | "stop"
  | "kill"
  | "pause"
  | "resume"
  | "attach"
  | "detach"
  | "deleteImage"
  | "destroy"
  | "stats"

/** What happens at a point. */
export type Script = Effect.Effect<void, VirtualizerError>

/** A script that fails. */
export const failing = (reason: Reason): Script => Effect.fail(fail(reason))

/** A script that holds an operation until it is opened. */
export class Gate {
  private readonly arrival = Deferred.makeUnsafe<void>()
  private readonly opening = Deferred.makeUnsafe<void>()
  readonly script: Script = Effect.andThen(Deferred.succeed(this.arrival, undefined), Deferred.await(this.opening))
  /** Completes when an operation has come to it. */
  readonly reached: Effect.Effect<void> = Deferred.await(this.arrival)
  readonly open: Effect.Effect<void> = Effect.asVoid(Deferred.succeed(this.opening, undefined))
}

interface Watcher {
  readonly ended: Deferred.Deferred<Ended>
  readonly events: Queue.Queue<GuestEvent>
}

/** A guest that runs. */
interface Machine {
  readonly pid: number
  connected: boolean
  paused: boolean
  /** Whether its control socket answers. */
  reachable: boolean
  /** Whether it powers off when it is asked to. */
  polite: boolean
  readonly volumes: Set<VolumeId>
  watcher: Watcher | undefined
  readonly end: Deferred.Deferred<ExitStatus>
}

/** What there is of an instance in the world. */
interface Place {
  image: boolean
  disk: boolean
  lastExit: ExitStatus | undefined
  machine: Machine | undefined
}

/** The host that launchers come and go on. */
export class World {
  readonly places = new Map<InstanceId, Place>()
  /** What no virtualizer may ever be asked, found out. */
  readonly violations: Array<string> = []
  /** Every act, as `point id`. */
  readonly acts: Array<string> = []
  private readonly once = new Map<Point, Array<Script>>()
  private readonly lasting = new Map<Point, Script>()
  private pids = 0
  polite = true

  /** Scripts the next arrival at a point. */
  next(point: Point, script: Script): void {
    this.once.set(point, [...this.once.get(point) ?? [], script])
  }

  /** Scripts every arrival at a point. */
  always(point: Point, script: Script): void {
    this.lasting.set(point, script)
  }

  /** Holds the next operation that comes to a point. */
  hold(point: Point): Gate {
    const gate = new Gate()
    this.next(point, gate.script)
    return gate
  }

  /** No script from now on. */
  calm(): void {
    this.once.clear()
    this.lasting.clear()
  }

  at(point: Point, id: InstanceId): Script {
    return Effect.suspend(() => {
      this.acts.push(`${point} ${id}`)
      const [script, ...others] = this.once.get(point) ?? []
      if (script !== undefined) this.once.set(point, others)
      return script ?? this.lasting.get(point) ?? Effect.void
    })
  }

  place(id: InstanceId): Place {
    const place = this.places.get(id) ?? { image: false, disk: false, lastExit: undefined, machine: undefined }
    this.places.set(id, place)
    return place
  }

  machine(id: InstanceId): Machine | undefined {
    return this.places.get(id)?.machine
  }

  /** Every guest that runs. */
  get strays(): ReadonlyArray<FoundGuest> {
    return Array.from(this.places).flatMap(([id, { machine }]) =>
      machine === undefined ? [] : [{ id, handle: `pid ${machine.pid}` }]
    )
  }

  /** Whether nothing of an instance is left. */
  isClean(id: InstanceId): boolean {
    const place = this.places.get(id)
    return place === undefined || (!place.image && !place.disk && place.machine === undefined)
  }

  boot(id: InstanceId, volumes: ReadonlyArray<VolumeId>): void {
    const place = this.place(id)
    if (place.machine !== undefined) this.violations.push(`a second guest of ${id}`)
    for (const [other, { machine }] of this.places) {
      const shared = volumes.filter((volume) => machine?.volumes.has(volume))
      if (shared.length > 0) this.violations.push(`${shared.join()} of ${id} is in use by ${other}`)
    }
    place.machine = {
      pid: ++this.pids,
      connected: false,
      paused: false,
      reachable: true,
      polite: this.polite,
      volumes: new Set(volumes),
      watcher: undefined,
      end: Deferred.makeUnsafe()
    }
  }

  /** A guest ends. */
  exit(id: InstanceId, status: ExitStatus): void {
    const place = this.place(id)
    const { machine } = place
    if (machine === undefined) return
    place.machine = undefined
    place.lastExit = status
    Deferred.doneUnsafe(machine.end, Exit.succeed(status))
    if (machine.watcher !== undefined) {
      Deferred.doneUnsafe(machine.watcher.ended, Exit.succeed({ _tag: "Exited", status }))
    }
  }

  /** A guest does something. */
  emit(id: InstanceId, event: GuestEvent): void {
    const machine = this.machine(id)
    if (machine === undefined) return
    if (event._tag !== "Rebooted") machine.paused = event._tag === "Paused"
    if (machine.watcher !== undefined) Queue.offerUnsafe(machine.watcher.events, event)
  }

  /** A guest's control socket goes, or comes back. */
  reachable(id: InstanceId, is: boolean): void {
    const machine = this.machine(id)
    if (machine === undefined) return
    machine.reachable = is
    if (!is && machine.watcher !== undefined) {
      Deferred.doneUnsafe(machine.watcher.ended, Exit.succeed({ _tag: "Lost", cause: "the socket closed" }))
    }
  }
}

/** Runs guests in a world. */
export const make = (world: World): Virtualizer => ({
  name: "qemu",
  capabilities: { boot: ["image", "volume", "kernel"], pause: true, liveVolumes: true, console: false },
  make: (spec) =>
    spec.boot.kind === "container"
      ? Effect.fail(fail(new NotSupported({ what: "boot source container" })))
      : Effect.succeed(guest(world, spec.id)),
  discover: Stream.fromIterableEffect(Effect.sync(() => world.strays)),
  destroy: ({ id }) =>
    Effect.andThen(
      world.at("destroy", id),
      Effect.sync(() => world.exit(id, { _tag: "Killed", signal: "SIGKILL" }))
    ),
  discard: (id) => Effect.sync(() => void world.places.delete(id))
})

const guest = (world: World, id: InstanceId): Guest => ({
  probe: Effect.map(world.at("probe", id), () => {
    const { disk, image, lastExit, machine } = world.place(id)
    if (machine !== undefined) return { _tag: "Running" }
    return disk ? { _tag: "Created", lastExit } : image ? { _tag: "ImageReady" } : { _tag: "Absent" }
  }),
  ensureBackingImage: Stream.drain(Stream.fromEffect(Effect.andThen(
    world.at("image", id),
    Effect.sync(() => {
      world.place(id).image = true
    })
  ))),
  createImage: () =>
    Effect.andThen(
      world.at("create", id),
      Effect.suspend(() => {
        const place = world.place(id)
        const before = place.disk
        place.disk = true
        return Effect.onError(world.at("created", id), () =>
          Effect.sync(() => {
            place.disk = before
          }))
      })
    ),
  deleteImage: Effect.andThen(
    world.at("deleteImage", id),
    Effect.sync(() => {
      if (world.machine(id) !== undefined) world.violations.push(`the disk of ${id} was deleted under its guest`)
      world.places.delete(id)
    })
  ),
  start: ({ volumes }) =>
    Effect.andThen(
      world.at("launch", id),
      Effect.suspend(() => {
        world.boot(id, volumes.map((volume) => volume.id))
        return Effect.onError(
          world.at("launched", id),
          () => Effect.sync(() => world.exit(id, { _tag: "Killed", signal: "SIGKILL" }))
        )
      })
    ),
  monitor: Effect.andThen(world.at("monitor", id), monitor(world, id)),
  kill: Effect.andThen(
    world.at("kill", id),
    Effect.sync(() => world.exit(id, { _tag: "Killed", signal: "SIGKILL" }))
  ),
  stats: Effect.andThen(
    world.at("stats", id),
    Effect.suspend(() =>
      world.machine(id) === undefined ? Effect.fail(fail(new NotRunning())) : Effect.succeed({ memoryBytes: 1 })
    )
  ),
  console: {
    log: () => Stream.empty,
    connect: Effect.fail(fail(new NotSupported({ what: "a console" })))
  }
})

const statusOf = ({ paused, volumes }: Machine): GuestStatus => ({ paused, volumes: Array.from(volumes) })

const monitor = Effect.fnUntraced(function*(world: World, id: InstanceId) {
  const machine = world.machine(id)
  if (machine === undefined) return yield* fail(new NotRunning())
  if (!machine.reachable) return yield* fail(new Unreachable({ detail: "no answer" }))
  if (machine.watcher !== undefined) world.violations.push(`a second monitor of ${id}`)
  const watcher: Watcher = { ended: Deferred.makeUnsafe(), events: yield* Queue.unbounded<GuestEvent>() }
  const connected = Deferred.makeUnsafe<GuestStatus>()
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      machine.watcher = watcher
    }),
    () =>
      Effect.sync(() => {
        machine.watcher = undefined
      })
  )
  yield* Effect.forkScoped(Effect.andThen(
    world.at("connect", id),
    Effect.suspend(() => {
      machine.connected = true
      return Deferred.succeed(connected, statusOf(machine))
    })
  ))
  /** A command to the guest: it must be there, and answer. */
  const command = (point: Point, act: () => void): Script =>
    Effect.andThen(
      world.at(point, id),
      Effect.suspend(() => {
        if (world.machine(id) !== machine) return Effect.fail(fail(new NotRunning()))
        if (!machine.reachable) return Effect.fail(fail(new Unreachable({ detail: "no answer" })))
        return Effect.sync(act)
      })
    )
  const pause = (is: boolean) => (): void => {
    if (machine.paused !== is) world.emit(id, { _tag: is ? "Paused" : "Resumed" })
  }
  return {
    connected: Deferred.await(connected),
    ended: Deferred.await(watcher.ended),
    events: Stream.fromQueue(watcher.events),
    status: Effect.map(
      command("status", () => {}),
      () => statusOf(machine)
    ),
    stop: (grace) =>
      Effect.andThen(
        command("stop", () => {
          if (machine.polite) world.exit(id, { _tag: "PoweredOff" })
        }),
        Effect.raceFirst(
          Effect.asVoid(Deferred.await(machine.end)),
          Effect.andThen(Effect.sleep(grace), Effect.sync(() => world.exit(id, { _tag: "Quit" })))
        )
      ),
    pause: command("pause", pause(true)),
    resume: command("resume", pause(false)),
    attachVolume: (volume) => command("attach", () => machine.volumes.add(volume.id)),
    detachVolume: (volume) => command("detach", () => machine.volumes.delete(volume))
  } satisfies Monitor
})
