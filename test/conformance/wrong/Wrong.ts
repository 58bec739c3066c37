/**
 * A virtualizer that does one thing wrong, made of the simulation, which does not.
 */
import { Effect, Layer, type Scope } from "effect"
import { Fence } from "../../../src/backend/simulation/Fence.ts"
import type { SimulatedHost } from "../../../src/backend/simulation/SimulatedHost.ts"
import * as SimulationVirtualizer from "../../../src/backend/simulation/SimulationVirtualizer.ts"
import type { Capabilities } from "../../../src/domain/Capabilities.ts"
import type { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { type Guest, type Monitor, type Virtualizer, Virtualizers } from "../../../src/Virtualizer.ts"

/** How a virtualizer is changed for the worse. One is made for each launcher; what is to outlive them is on the host. */
export type Change = (virtualizer: Virtualizer, host: SimulatedHost) => Virtualizer

export interface Wrong {
  /** What it does. */
  readonly name: string
  /** What it declares, where that is not all. */
  readonly capabilities?: Partial<Capabilities>
  readonly change: Change
  /** The names of the tests that it fails. It passes all others. */
  readonly fails: ReadonlyArray<string>
}

/** The virtualizer of one launcher, changed. */
export const layer = (
  { capabilities = {}, change }: Wrong
): Layer.Layer<Virtualizers, never, SimulationVirtualizer.Host> =>
  Layer.effect(
    Virtualizers,
    SimulationVirtualizer.Host.useSync((host) => {
      const virtualizer = change(SimulationVirtualizer.make(host, new Fence(), { capabilities }), host)
      return new Map([[virtualizer.name, virtualizer]])
    })
  )

const copy = (guest: Guest): Guest => ({
  probe: guest.probe,
  ensureBackingImage: guest.ensureBackingImage,
  createImage: (boot) => guest.createImage(boot),
  deleteImage: guest.deleteImage,
  start: (boot) => guest.start(boot),
  monitor: guest.monitor,
  kill: guest.kill,
  stats: guest.stats,
  console: { log: (options) => guest.console.log(options), connect: guest.console.connect }
})

/** A monitor like another, to change. */
export const copyMonitor = (monitor: Monitor): Monitor => ({
  connected: monitor.connected,
  ended: monitor.ended,
  follow: (follower) => monitor.follow(follower),
  status: monitor.status,
  stop: (grace) => monitor.stop(grace),
  pause: monitor.pause,
  resume: monitor.resume,
  attachVolume: (volume) => monitor.attachVolume(volume),
  detachVolume: (volume) => monitor.detachVolume(volume)
})

/** What there is to change a guest with. */
export interface GuestOptions {
  readonly guest: Guest
  readonly spec: InstanceSpec
  readonly host: SimulatedHost
  /** The scope of the guest, which is its launcher's. */
  readonly scope: Scope.Scope
}

/** Changes every guest. */
export const guests = (change: (options: GuestOptions) => Partial<Guest>): Change => (virtualizer, host) => ({
  ...virtualizer,
  make: (spec, directory) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.map(virtualizer.make(spec, directory), (guest) => ({
        ...copy(guest),
        ...change({ guest, spec, host, scope })
      })))
})

/** What there is to change a monitor with. */
export interface MonitorOptions extends GuestOptions {
  readonly monitor: Monitor
  /** The scope of the monitor. */
  readonly watching: Scope.Scope
}

/** Changes every monitor. */
export const monitors = (change: (options: MonitorOptions) => Partial<Monitor>): Change =>
  guests((options) => ({
    monitor: Effect.flatMap(Effect.scope, (watching) =>
      Effect.map(options.guest.monitor, (monitor) => ({
        ...copyMonitor(monitor),
        ...change({ ...options, monitor, watching })
      })))
  }))
