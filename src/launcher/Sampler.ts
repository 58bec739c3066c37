/**
 * Measures what a node has and what its guests use. Those who ask at once get one measuring. No command waits for it, and it never
 * waits for long: what has not been told within its deadline is not known.
 */
import { Deferred, Duration, Effect, Exit, Fiber, Option } from "effect"
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
  /** Counts the measurings: what was measured of an instance then, or since, is kept with it. */
  readonly measuring: number
  /** Absent where it could not be told. */
  readonly node: NodeSample | undefined
}

/** What an instance was found to use in a measuring, or since. */
export const measuredIn = ({ usage }: Instance, { measuring }: Sample): InstanceStats | undefined =>
  usage !== undefined && usage.measuring >= measuring ? usage.stats : undefined

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
  /** The guests that did not answer in time when they were asked last. */
  private slow = new Set<Instance>()
  private measurings = 0
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

  /** Like {@link sample}; where guests that are asked keep it waiting, what was measured before. */
  recent(ageMillis: number): Effect.Effect<Sample> {
    const { guestStatisticsDeadline: duration } = this.options.config
    return Effect.suspend(() => {
      const { last } = this
      const sample = this.sample(ageMillis)
      return last === undefined
        ? sample
        : Effect.timeoutOrElse(sample, { duration, orElse: () => Effect.succeed(this.last ?? last) })
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
    return Effect.map(asked, (stats) => note(instance, stats, instance.usage?.measuring ?? 0))
  }

  private begin(): Deferred.Deferred<Sample> {
    if (this.flight !== undefined) return this.flight
    const { isClosed, nowMillis, registry, run } = this.options
    const flight = this.flight = Deferred.makeUnsafe<Sample>()
    const land = (sample: Sample): void => {
      this.flight = undefined
      Deferred.doneUnsafe(flight, Exit.succeed(sample))
    }
    const nothing = (): Sample => this.last ?? { atMillis: nowMillis(), measuring: Infinity, node: undefined }
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
      const { config: { statisticsAtOnce, statisticsDeadline }, nowMillis, registry } = this.options
      const atMillis = nowMillis()
      const measuring = ++this.measurings
      const running = registry.all.filter(({ situation }) => hasGuest(situation))
      const queue = this.slowLast(running).values()
      const lanes = Array.from(
        { length: Math.min(statisticsAtOnce, running.length) },
        () => this.lane(queue, measuring)
      )
      return Effect.all([
        Effect.map(Effect.timeoutOption(this.node, statisticsDeadline), Option.flatten),
        Effect.timeoutOption(Effect.all(lanes, { concurrency: "unbounded", discard: true }), statisticsDeadline)
      ], { concurrency: 2 }).pipe(
        Effect.map(([node]) => ({ atMillis, measuring, node: Option.getOrUndefined(node) }))
      )
    })
  }

  /** Those that were slow the last time come after all others. Those that are gone are forgotten. */
  private slowLast(running: ReadonlyArray<Instance>): ReadonlyArray<Instance> {
    if (this.slow.size === 0) return running
    const slow = running.filter((instance) => this.slow.has(instance))
    this.slow = new Set(slow)
    return [...running.filter((instance) => !this.slow.has(instance)), ...slow]
  }

  /** What the node has, where that can be told. */
  private get node(): Effect.Effect<Option.Option<NodeSample>> {
    return Effect.catchDefect(this.options.resources.sample, (defect) => Effect.fail({ message: String(defect) })).pipe(
      Effect.tapError(({ message }) => Effect.logWarning(`what the node has can not be told: ${message}`)),
      Effect.option
    )
  }

  /** Asks one guest after the other. Who does not answer in time is given up: one timer is enough for all that a lane asks. */
  private lane(queue: Iterator<Instance>, measuring: number): Effect.Effect<void> {
    const { config: { guestStatisticsDeadline } } = this.options
    let asked = 0
    let current: Instance | undefined
    const next: Effect.Effect<void> = Effect.suspend(() => {
      const { done, value: instance } = queue.next()
      if (done === true) return Effect.void
      current = instance
      const answer = Effect.matchCause(instance.guest.stats, {
        onFailure: () => {},
        onSuccess: (stats) => {
          this.slow.delete(instance)
          note(instance, stats, measuring)
        }
      })
      // Whoever waits has a turn now and then.
      return Effect.flatMap(++asked % guestsATurn === 0 ? Effect.andThen(Effect.yieldNow, answer) : answer, () => next)
    })
    const watched: Effect.Effect<void> = Effect.flatMap(Effect.forkChild(next, { startImmediately: true }), (fiber) => {
      const wait: Effect.Effect<void> = Effect.suspend(() => {
        const before = asked
        return Effect.flatMap(Effect.timeoutOption(Fiber.await(fiber), guestStatisticsDeadline), (exit) => {
          if (Option.isSome(exit)) return Effect.void
          if (asked !== before || current === undefined) return wait
          this.slow.add(current)
          return Effect.andThen(Fiber.interrupt(fiber), watched)
        })
      })
      return wait
    })
    return watched
  }
}

/** How many guests that answer at once are asked before others have a turn. */
const guestsATurn = 64

/** Keeps what an instance uses now, and since it was asked last. */
const note = (instance: Instance, found: GuestStats, measuring: number): InstanceStats => {
  const before = instance.usage?.cpu
  const stats = instanceStats(found, instance.spec.vcpus, before)
  instance.usage = { measuring, cpu: cpuSample(found) ?? before, stats }
  return stats
}

/** What guests used, as far as it was told: of each no more than it holds, for that is what is given back when it goes. */
const measuredOf = (sample: Sample, registry: Registry): Measured | undefined => {
  const { node } = sample
  if (node === undefined) return undefined
  let guestsMemoryBytes = 0
  let guestsDiskBytes = 0
  for (const instance of registry.all) {
    const stats = measuredIn(instance, sample)
    if (stats === undefined) continue
    const { diskAllocatedBytes = 0, memoryBytes = 0 } = stats
    const demand = demands(instance.spec)
    guestsMemoryBytes += Math.min(memoryBytes, demand.memoryBytes)
    guestsDiskBytes += Math.min(diskAllocatedBytes, demand.diskBytes)
  }
  return { node, guestsMemoryBytes, guestsDiskBytes }
}
