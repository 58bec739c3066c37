/**
 * A node in memory, on the clock at hand: a simulated host, a disk and volumes, on which launchers come and go. For tests of
 * whatever stands on a launcher.
 *
 * ```ts
 * it.effect("replicas come back", () =>
 *   Effect.gen(function*() {
 *     const launcher = yield* Launcher.Launcher
 *     const node = yield* SimulatedNode.SimulatedNode
 *     …
 *   }).pipe(Effect.provide(SimulatedNode.layer({ seed: 1, faults: Fault.standard }))))
 * ```
 *
 * The same seed gives the same faults, in the same places, as long as the program runs the same way. Specs name the
 * virtualizer `simulation`.
 *
 * What a launcher does takes time on that clock: its opening, its commands, and its close or crash too. On a clock that is moved
 * by hand, whoever waits for one of them before moving the clock waits for ever: fork it, move the clock, then join it. So does
 * a test that ends with a start in the air, which the end of the test takes back.
 *
 * ```ts
 * const start = yield* Effect.forkChild(launcher.start(spec), { startImmediately: true })
 * yield* VirtualClock.adjust("1 minute")
 * yield* Fiber.join(start)
 * ```
 */
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import type { Faults } from "../backend/simulation/Fault.ts"
import { Fence } from "../backend/simulation/Fence.ts"
import * as SimulatedHost from "../backend/simulation/SimulatedHost.ts"
import * as SimulationVirtualizer from "../backend/simulation/SimulationVirtualizer.ts"
import type { NodeSample } from "../domain/NodeSample.ts"
import { InstanceStore } from "../launcher/InstanceStore.ts"
import * as Launcher from "../launcher/Launcher.ts"
import { LauncherConfig } from "../launcher/LauncherConfig.ts"
import { fail, LauncherClosed, type LauncherError, StateFailure } from "../launcher/LauncherError.ts"
import { NodeResources } from "../launcher/NodeResources.ts"
import * as NodeResourcesFixed from "../launcher/NodeResourcesFixed.ts"
import { VolumeResolver } from "../launcher/VolumeResolver.ts"
import { type Virtualizer, Virtualizers } from "../Virtualizer.ts"
import * as FencedLauncher from "./FencedLauncher.ts"
import { SimulatedDisk } from "./SimulatedDisk.ts"
import * as SimulatedStore from "./SimulatedStore.ts"
import { SimulatedVolumes } from "./SimulatedVolumes.ts"

/** How a node is. */
export interface SimulatedNodeOptions {
  /** Decides when which fault strikes, and how long things take. Default 1. */
  readonly seed?: string | number
  /** How likely each fault is. Default none. */
  readonly faults?: Faults
  /** How long things take on the host where nothing goes wrong. Default `standard`; with `none` everything happens at once. */
  readonly latencies?: SimulatedHost.SimulatedHostOptions["latencies"]
  /** What the node has, where it is not as large as nodes come: at the moment when it is asked. */
  readonly resources?: (host: SimulatedHost.SimulatedHost) => Partial<NodeSample>
  /** Makes the launchers. Default {@link Launcher.make}. */
  readonly makeLauncher?: typeof Launcher.make
  /** Changes what a launcher works with, for example to see what it does. Default: nothing. */
  readonly wrap?: (parts: LauncherParts) => LauncherParts
}

/** A node that holds what tests put on it. */
const large: NodeSample = {
  hostname: "simulated",
  memoryTotalBytes: 2 ** 50,
  memoryAvailableBytes: 2 ** 50,
  diskTotalBytes: 2 ** 50,
  diskAvailableBytes: 2 ** 50,
  loadAverage: 0,
  cpusOnline: 2 ** 20,
  descriptorsMax: 2 ** 30,
  nics: []
}

/** What a launcher works with. */
export interface LauncherParts {
  readonly fence: Fence
  readonly store: InstanceStore["Service"]
  readonly virtualizer: Virtualizer
}

/** A host that launchers come and go on, one at a time. Guests, records and volumes survive them. */
export class SimulatedNode extends Context.Service<SimulatedNode, {
  /** Where guests run; what of them can be seen and done from outside. */
  readonly host: SimulatedHost.SimulatedHost
  /** Where records are. */
  readonly disk: SimulatedDisk
  readonly volumes: SimulatedVolumes

  /** The hold that the open launcher has on the host, from the beginning of {@link open} to its end. */
  readonly fence: Fence | undefined

  /**
   * Opens a launcher on what is there, and returns when it has taken hold of that. Fails with `StateFailure` when one is open,
   * and with `LauncherClosed` when it crashes meanwhile. Interruption closes it.
   */
  readonly open: (config?: Partial<LauncherConfig>) => Effect.Effect<Launcher.Launcher["Service"], LauncherError>

  /** Closes the open launcher in good order, and returns when that is done. Its guests run on. */
  readonly close: Effect.Effect<void>

  /**
   * The launcher dies here and now, as by a SIGKILL: nothing of it reaches the host any more, and what it was about to do is
   * done in half. Returns when nothing is left of it in this process. Who waits for its answer gets `LauncherClosed`.
   */
  readonly crash: Effect.Effect<void>

  /** The death alone, in one synchronous act. What it returns is the rest of {@link crash}. */
  readonly crashUnsafe: () => Effect.Effect<void>
}>()("vivarium/SimulatedNode") {}

/** A launcher from the beginning of its opening to its end. */
interface Incarnation extends LauncherParts {
  readonly scope: Scope.Closeable
  isClosing: boolean
  /** Completes when all that lived in the scope is gone. */
  readonly gone: Deferred.Deferred<void>
}

/** A node without a launcher. Its host lives in the scope; a launcher that is open closes with it. */
export const make = Effect.fnUntraced(function*(
  options: SimulatedNodeOptions = {}
): Effect.fn.Return<SimulatedNode["Service"], never, Scope.Scope> {
  const { faults = {}, latencies = "standard", makeLauncher = Launcher.make, seed = 1, wrap = (parts) => parts } =
    options
  const resources = Effect.sync((): NodeSample => ({ ...large, ...options.resources?.(host) }))
  const host = yield* SimulatedHost.make({ seed, faults, latencies })
  const disk = new SimulatedDisk({ seed, host })
  const volumes = new SimulatedVolumes()
  let current: Incarnation | undefined

  /** Whoever comes second, such as a crash in the middle of a close, waits for the first. */
  const closeScope = (incarnation: Incarnation) =>
    Effect.suspend(() => {
      const { gone, isClosing, scope } = incarnation
      if (isClosing) return Deferred.await(gone)
      incarnation.isClosing = true
      return Effect.uninterruptible(Effect.andThen(Scope.close(scope, Exit.void), Deferred.succeed(gone, undefined)))
    })

  const leave = (incarnation: Incarnation) =>
    Effect.andThen(
      closeScope(incarnation),
      Effect.sync(() => {
        if (current === incarnation) current = undefined
      })
    )

  /** The next launcher: its number is taken. */
  const next = (scope: Scope.Closeable): Incarnation => {
    const fence = new Fence()
    const store = SimulatedStore.make({ disk, fence, host })
    return {
      scope,
      isClosing: false,
      gone: Deferred.makeUnsafe(),
      ...wrap({ fence, store, virtualizer: SimulationVirtualizer.make(host, fence) })
    }
  }

  const begin = (config: Partial<LauncherConfig>, { scope, store, virtualizer }: Incarnation) => {
    const services = Context.make(InstanceStore, store).pipe(
      Context.add(Virtualizers, new Map([[virtualizer.name, virtualizer]])),
      Context.add(VolumeResolver, volumes.resolver),
      Context.add(NodeResources, NodeResourcesFixed.make(resources)),
      Context.add(Scope.Scope, scope)
    )
    return Effect.provideContext(makeLauncher(LauncherConfig.make(config)), services)
  }

  const open = (config: Partial<LauncherConfig> = {}) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        if (current !== undefined) {
          return yield* fail(new StateFailure({ detail: "another launcher has it: close it, or let it crash, first" }))
        }
        const incarnation = current = next(Scope.makeUnsafe())
        // In a fiber of its own, which a crash ends.
        const opening = yield* Effect.forkIn(restore(begin(config, incarnation)), incarnation.scope)
        const exit = yield* restore(Fiber.await(opening)).pipe(Effect.onInterrupt(() => leave(incarnation)))
        const { fence } = incarnation
        if (Exit.isSuccess(exit) && fence.isUp) return FencedLauncher.make(exit.value, fence)
        yield* leave(incarnation)
        return yield* Exit.isFailure(exit) && fence.isUp ? exit : fail(new LauncherClosed())
      })
    )

  const crashUnsafe = (): Effect.Effect<void> => {
    const dead = current
    if (dead === undefined) return Effect.void
    current = undefined
    disk.launcherDied()
    dead.fence.cut()
    host.launcherDied()
    // Only now, so that its finalizers find that they are dead.
    return closeScope(dead)
  }

  const close = Effect.suspend(() => current === undefined ? Effect.void : leave(current))
  yield* Effect.addFinalizer(() => close)

  return SimulatedNode.of({
    host,
    disk,
    volumes,
    get fence() {
      return current?.fence
    },
    open,
    close,
    crash: Effect.suspend(crashUnsafe),
    crashUnsafe
  })
})

/** A node with an open launcher, the first. {@link SimulatedNode.open} gives the next, after a close or a crash. */
export const layer = (
  options: SimulatedNodeOptions & { readonly config?: Partial<LauncherConfig> } = {}
): Layer.Layer<Launcher.Launcher | SimulatedNode, LauncherError> =>
  Layer.effectContext(Effect.gen(function*() {
    const node = yield* make(options)
    const launcher = yield* node.open(options.config)
    return Context.make(SimulatedNode, node).pipe(Context.add(Launcher.Launcher, launcher))
  }))
