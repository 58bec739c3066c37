/**
 * Measures what a node has and what its guests use. Those who ask at once get one measuring. No command waits for it, and it never
 * waits for long: what has not been told within its deadline is not known.
 */
import { Deferred, Duration, Effect, Exit, Option } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { NodeSample } from "../domain/NodeSample.ts"
import type { InstanceStats } from "../domain/Resources.ts"
import type { GuestStats } from "../Virtualizer.ts"
import { fail, Unreachable, type VirtualizerError } from "../VirtualizerError.ts"
import type { Measured } from "./Admission.ts"
import { demands } from "./Books.ts"
import type { Instance } from "./Instance.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import type { NodeResources } from "./NodeResources.ts"
import type { Registry } from "./Registry.ts"
import { hasGuest } from "./Situation.ts"
import { cpuSample, instanceStats } from "./Statistics.ts"

/** What was measured. */
export interface Sample {
  readonly atMillis: number
  /** Absent where it could not be told. */
  readonly node: NodeSample | undefined
  readonly instances: ReadonlyMap<InstanceId, InstanceStats>
}

/** What it works with. */
export interface SamplerOptions {
  readonly config: LauncherConfig
  readonly registry: Registry
  readonly resources: NodeResources["Service"]
  readonly nowMillis: () => number
  /** Runs something in the launcher's scope. */
  readonly run: (effect: Effect.Effect<unknown>) => void
  readonly isClosed: () => boolean
}

export class Sampler {
  private readonly options: SamplerOptions
  private last: Sample | undefined = undefined
  private usage: Measured | undefined = undefined
  private flight: Deferred.Deferred<Sample> | undefined = undefined

  constructor(options: SamplerOptions) {
    this.options = options
  }

  /** What was measured last, for admission. Measures again, for those to come, where that is long ago. */
  get measured(): Measured | undefined {
    const { config } = this.options
    if (this.last !== undefined && !this.isRecent(this.last, Duration.toMillis(config.statisticsAge))) this.begin()
    return this.usage
  }

  /** Completes when something has been measured, well or not. */
  get known(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.last === undefined
        ? Effect.asVoid(Deferred.await(this.begin())).pipe(
          Effect.withSpan("Launcher.measure", {}, { captureStackTrace: false })
        )
        : Effect.void
    )
  }

  /** What was measured less than so many milliseconds ago, or is measured now. May be interrupted: others still get it. */
  sample(ageMillis: number): Effect.Effect<Sample> {
    return Effect.suspend(() => {
      const { last } = this
      return last !== undefined && this.isRecent(last, ageMillis)
        ? Effect.succeed(last)
        : Deferred.await(this.begin())
    })
  }

  /** Nothing is, once the clock was set back. */
  private isRecent({ atMillis }: Sample, ageMillis: number): boolean {
    const sinceMillis = this.options.nowMillis() - atMillis
    return sinceMillis >= 0 && sinceMillis < ageMillis
  }

  /** What one instance uses now. */
  stats(instance: Instance): Effect.Effect<InstanceStats, VirtualizerError> {
    const asked = Effect.catchDefect(
      instance.guest.stats,
      (defect) => Effect.fail(fail(new Unreachable({ detail: `the virtualizer broke: ${String(defect)}` })))
    )
    return Effect.map(asked, (stats) => usesOf(instance, stats))
  }

  private begin(): Deferred.Deferred<Sample> {
    if (this.flight !== undefined) return this.flight
    const { isClosed, nowMillis, registry, run } = this.options
    const flight = this.flight = Deferred.makeUnsafe<Sample>()
    const land = (sample: Sample): void => {
      this.flight = undefined
      Deferred.doneUnsafe(flight, Exit.succeed(sample))
    }
    const nothing = (): Sample => this.last ?? { atMillis: nowMillis(), node: undefined, instances: new Map() }
    if (isClosed()) land(nothing())
    else {
      run(Effect.onExit(this.measure, (exit) =>
        Effect.sync(() => {
          // It is cut short when the launcher closes.
          if (Exit.isFailure(exit)) return land(nothing())
          this.last = exit.value
          this.usage = measuredOf(exit.value, registry) ?? this.usage
          land(exit.value)
        })))
    }
    return flight
  }

  private get measure(): Effect.Effect<Sample> {
    return Effect.suspend(() => {
      const { config, nowMillis, registry, resources } = this.options
      const atMillis = nowMillis()
      const instances = new Map<InstanceId, InstanceStats>()
      const running = registry.all.filter(({ situation }) => hasGuest(situation))
      let next = 0
      const one: Effect.Effect<void> = Effect.suspend(() => {
        const instance = running[next++]
        if (instance === undefined) return Effect.void
        const asked = Effect.matchCause(instance.guest.stats, {
          onFailure: () => {},
          onSuccess: (stats) => void instances.set(instance.id, usesOf(instance, stats))
        })
        // Whoever waits has a turn now and then.
        return Effect.flatMap(next % guestsATurn === 0 ? Effect.andThen(Effect.yieldNow, asked) : asked, () => one)
      })
      const workers = Array.from({ length: Math.min(config.statisticsAtOnce, running.length) }, () => one)
      const node = Effect.tapError(resources.sample, (error) => Effect.logWarning(error.message))
      return Effect.all([
        Effect.map(Effect.timeoutOption(Effect.option(node), config.statisticsDeadline), Option.flatten),
        Effect.timeoutOption(
          Effect.all(workers, { concurrency: "unbounded", discard: true }),
          config.statisticsDeadline
        )
      ], { concurrency: 2 }).pipe(
        Effect.map(([node]) => ({ atMillis, node: Option.getOrUndefined(node), instances }))
      )
    })
  }
}

/** How many guests that answer at once are asked before others have a turn. */
const guestsATurn = 64

/** What an instance uses now, and since it was asked last. */
const usesOf = (instance: Instance, stats: GuestStats): InstanceStats => {
  const before = instance.cpu
  instance.cpu = cpuSample(stats) ?? before
  return instanceStats(stats, instance.spec.vcpus, before)
}

/** What guests used, as far as it was told: of each no more than it holds, for that is what is given back when it goes. */
const measuredOf = ({ instances, node }: Sample, registry: Registry): Measured | undefined => {
  if (node === undefined) return undefined
  let guestsMemoryBytes = 0
  let guestsDiskBytes = 0
  for (const [id, { diskAllocatedBytes = 0, memoryBytes = 0 }] of instances) {
    const spec = registry.get(id)?.spec
    if (spec === undefined) continue
    const demand = demands(spec)
    guestsMemoryBytes += Math.min(memoryBytes, demand.memoryBytes)
    guestsDiskBytes += Math.min(diskAllocatedBytes, demand.diskBytes)
  }
  return { node, guestsMemoryBytes, guestsDiskBytes }
}
