/**
 * The outside of a simulated host, for the conformance suite.
 */
import { Context, Deferred, Effect, Layer, Schema } from "effect"
import type { Conditions } from "../../src/backend/simulation/Conditions.ts"
import type { Fault } from "../../src/backend/simulation/Fault.ts"
import type { Latency } from "../../src/backend/simulation/Latency.ts"
import * as SimulatedHost from "../../src/backend/simulation/SimulatedHost.ts"
import * as SimulationVirtualizer from "../../src/backend/simulation/SimulationVirtualizer.ts"
import type { Capabilities } from "../../src/domain/Capabilities.ts"
import { Fence } from "../../src/backend/simulation/Fence.ts"
import type { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import { Virtualizers } from "../../src/Virtualizer.ts"
import {
  ConformanceHost,
  type Gate,
  type HeldPhase,
  type Kind,
  type Operation,
  type Shape
} from "../../src/testing/conformance/ConformanceHost.ts"

/** The fault that always strikes an instance of a kind. */
const faultOf: Readonly<Partial<Record<Kind, Fault>>> = {
  deaf: "ignoresPowerButton",
  silent: "neverConnects",
  unlaunchable: "failsAfterSpawn"
}

/** Something that takes time on the host, held for as long as it is closed. */
interface Hold {
  readonly latency: Latency
  /** How many of them pass before one is held. */
  passes: number
  readonly arrival: Deferred.Deferred<void>
  readonly opening: Deferred.Deferred<void>
  /** What is to happen when it is opened. */
  readonly acts: Array<() => void>
}

/** Holds what takes time on a host. */
class Holds {
  #holds: ReadonlyArray<Hold> = []
  /** What was asked last how long it takes. */
  #asked: Latency | undefined

  constructor(conditions: Conditions) {
    const after = conditions.after.bind(conditions)
    const delayMillis = conditions.delayMillis.bind(conditions)
    const lag = conditions.lag.bind(conditions)
    conditions.lag = (latency) =>
      Effect.suspend(() => {
        const hold = this.#next(latency)
        const passed = lag(latency)
        this.#asked = undefined
        return hold === undefined ? passed : Effect.andThen(this.#wait(hold), passed)
      })
    conditions.delayMillis = (latency) => {
      this.#asked = latency
      return delayMillis(latency)
    }
    conditions.after = (millis, act) => {
      const hold = this.#asked === undefined ? undefined : this.#next(this.#asked)
      this.#asked = undefined
      if (hold === undefined) return after(millis, act)
      hold.acts.push(act)
      Deferred.doneUnsafe(hold.arrival, Effect.void)
    }
  }

  #next(latency: Latency): Hold | undefined {
    const hold = this.#holds.find((hold) => hold.latency === latency)
    if (hold === undefined || hold.passes-- > 0) return undefined
    return hold
  }

  #wait({ arrival, opening }: Hold): Effect.Effect<void> {
    return Effect.andThen(Deferred.succeed(arrival, undefined), Deferred.await(opening))
  }

  /** Holds this, when it comes for the `nth` time, from 0 on. */
  make(latency: Latency, nth: number) {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const hold: Hold = {
          latency,
          passes: nth,
          arrival: Deferred.makeUnsafe(),
          opening: Deferred.makeUnsafe(),
          acts: []
        }
        this.#holds = [...this.#holds, hold]
        return hold
      }),
      (hold) => this.#open(hold)
    ).pipe(Effect.map((hold): Gate => ({ reached: Deferred.await(hold.arrival), open: this.#open(hold) })))
  }

  #open(hold: Hold): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#holds = this.#holds.filter((other) => other !== hold)
      for (const act of hold.acts.splice(0)) act()
      Deferred.doneUnsafe(hold.opening, Effect.void)
    })
  }
}

/** What an operation waits for on a simulated host, in its order. */
const phases: Readonly<Record<Operation, ReadonlyArray<readonly [name: string, latency: Latency, nth: number]>>> = {
  discover: [["while it looks", "probe", 0]],
  destroy: [["when the guest has been killed and is not gone", "end", 0]],
  discard: [["before anything is removed", "delete", 0]],
  probe: [["while it looks", "probe", 0]],
  ensureBackingImage: [
    ["before the first piece of the image", "image", 0],
    ["before the last piece of the image", "image", 3]
  ],
  createImage: [["with half a disk", "create", 0]],
  deleteImage: [["before anything is removed", "delete", 0]],
  start: [["before the guest is there", "launch", 0], ["when the guest is there", "launch", 1]],
  monitor: [["while it looks for the guest", "monitor", 0]],
  kill: [["when the guest has been killed and is not gone", "end", 0]],
  stats: [["while it reads", "stats", 0]],
  status: [["while the guest considers it", "command", 0]],
  stop: [["when the guest was told to quit", "end", 0]],
  pause: [["while the guest considers it", "command", 0]],
  resume: [["while the guest considers it", "command", 0]],
  attachVolume: [["before the guest has the volume", "hotplug", 0], ["when the guest has the volume", "hotplug", 1]],
  detachVolume: [["before the guest lets go of the volume", "hotplug", 0]]
}

const gatesOf = (holds: Holds): Shape["gates"] => {
  const of = (operation: Operation): ReadonlyArray<HeldPhase> =>
    phases[operation].map(([name, latency, nth]) => ({ name, hold: () => holds.make(latency, nth) }))
  return {
    discover: of("discover"),
    destroy: of("destroy"),
    discard: of("discard"),
    probe: of("probe"),
    ensureBackingImage: of("ensureBackingImage"),
    createImage: of("createImage"),
    deleteImage: of("deleteImage"),
    start: of("start"),
    monitor: of("monitor"),
    kill: of("kill"),
    stats: of("stats"),
    status: of("status"),
    stop: of("stop"),
    pause: of("pause"),
    resume: of("resume"),
    attachVolume: of("attachVolume"),
    detachVolume: of("detachVolume")
  }
}

const make = (host: SimulatedHost.SimulatedHost): Shape => {
  const { conditions } = host
  const kinds = new Map<InstanceId, Kind>()
  const disks = new Map<InstanceId, number>()
  const strikes = conditions.strikes.bind(conditions)
  conditions.strikes = (fault, id) => {
    const kind = id === undefined ? undefined : kinds.get(id)
    return (kind !== undefined && faultOf[kind] === fault) || strikes(fault, id)
  }
  host.observe((occurrence) => {
    if (occurrence._tag === "DiskCreated") disks.set(occurrence.id, (disks.get(occurrence.id) ?? 0) + 1)
  })
  return {
    directory: (id) => `/simulated/instances/${id}`,
    kinds: ["obedient", "deaf", "silent", "imageless", "unlaunchable"],
    spec: (id, kind) => {
      kinds.set(id, kind)
      if (kind === "imageless") host.missing.add(`/images/${kind}`)
      return Effect.orDie(
        Schema.decodeUnknownEffect(InstanceSpec)({
          id,
          virtualizer: "simulation",
          memory: "64 MiB",
          boot: { kind: "image", path: `/images/${kind}`, format: "raw" },
          nics: [{ kind: "user" }]
        })
      )
    },
    volume: (id, kind) =>
      Effect.sync(() => {
        const path = `/volumes/${id}`
        if (kind === "missing") host.missing.add(path)
        return { id, source: { _tag: "File", path, format: "raw" }, readOnly: false }
      }),
    consoleText: "boots",
    booted: () => Effect.void,
    powerOff: (id) => Effect.sync(() => host.powerOff(id)),
    crash: (id) => Effect.sync(() => host.crash(id, { _tag: "Unknown" })),
    panic: (id) => Effect.sync(() => host.panic(id)),
    reboot: (id) => Effect.sync(() => host.reboot(id)),
    control: {
      sever: (id) => Effect.sync(() => host.sever(id)),
      restore: (id) => Effect.sync(() => host.restore(id))
    },
    freezer: {
      freeze: (id) => Effect.sync(() => host.freeze(id)),
      thaw: (id) => Effect.sync(() => host.thaw(id))
    },
    remains: (id) => Effect.sync(() => host.remains(id)),
    guests: (id) => Effect.sync(() => host.guests.filter((guest) => guest.id === id).map(({ pid }) => `pid ${pid}`)),
    disk: (id) => Effect.sync(() => host.remains(id).includes("disk") ? `disk ${disks.get(id)}` : undefined),
    holders: (volume) =>
      Effect.sync(() => host.guests.filter(({ volumes }) => volumes.includes(volume)).map(({ pid }) => `pid ${pid}`)),
    gates: gatesOf(new Holds(conditions))
  }
}

/** A simulated host, and its outside. */
export const layer = (
  seed: number | string
): Layer.Layer<ConformanceHost | SimulationVirtualizer.Host> =>
  Layer.effectContext(Effect.gen(function*() {
    const host = yield* SimulatedHost.make({ seed })
    return Context.make(SimulationVirtualizer.Host, host).pipe(Context.add(ConformanceHost, make(host)))
  }))

/** The virtualizer of one launcher on a simulated host. */
export const virtualizer = (
  capabilities: Partial<Capabilities> = {}
): Layer.Layer<Virtualizers, never, SimulationVirtualizer.Host> =>
  Layer.effect(
    Virtualizers,
    SimulationVirtualizer.Host.useSync((host) => {
      const made = SimulationVirtualizer.make(host, new Fence(), { capabilities })
      return new Map([[made.name, made]])
    })
  )
