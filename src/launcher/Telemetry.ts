/**
 * What a launcher tells of itself in numbers: Effect metrics, whose names begin with `vivarium_`. Durations are seconds.
 */
import { Context, Metric, References, Tracer } from "effect"
import { type Tag, tags } from "../domain/InstanceState.ts"
import type { Reserved } from "../domain/NodeStatus.ts"
import type { Phase } from "../domain/Phase.ts"

const instances = Metric.gauge("vivarium_instances", { description: "Instances, by state" })

// A metric for each series, for that is what costs little to count in: one that is given attributes as it counts makes up the
// series' key each time.
const operations = (operation: string, outcome: string) =>
  Metric.counter("vivarium_operations_total", {
    description:
      "Commands that were answered, by what they were and their outcome: ok, interrupted, or the code of the failure",
    incremental: true,
    attributes: { operation, outcome }
  })
const phases = (phase: Phase, outcome: PhaseOutcome) =>
  Metric.histogram("vivarium_phase_seconds", {
    description: "How long phases of instances' lives took, by phase and outcome: ok, failed or interrupted",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600],
    attributes: { phase, outcome }
  })

const restarts = Metric.counter("vivarium_restarts_total", {
  description: "Starts that a restart policy asked for",
  incremental: true
})
const adoptions = Metric.counter("vivarium_adoptions_total", {
  description: "Running guests that were found and taken hold of",
  incremental: true
})
const missed = Metric.counter("vivarium_events_missed_total", {
  description: "Events that followers missed because they fell behind",
  incremental: true
})
const orphans = Metric.gauge("vivarium_orphans", { description: "Guests without a record, when last looked" })
const holdings = Metric.gauge("vivarium_reserved", {
  description: "What instances hold of the node: memory_bytes, vcpus, disk_bytes"
})

/** How something ended. */
export type PhaseOutcome = "ok" | "failed" | "interrupted"

/** Whether anybody listens to spans: Effect's own tracer only makes them, which takes longer than all else that is told. */
export const isTraced = (context: Context.Context<never>): boolean =>
  Context.get(context, References.TracerEnabled) &&
  Context.get(context, Tracer.Tracer) !== Context.get(Context.empty(), Tracer.Tracer)

export class Telemetry {
  /** How many instances there are in each state. */
  readonly counts: Record<Tag, number>
  /** How many orphans there were when somebody last looked. */
  orphansFound: number | undefined = undefined
  private readonly context: Context.Context<never>
  private readonly operations = new Series(operations)
  private readonly phases = new Series(phases)
  /** Whether anybody listens to the spans of what the launcher does. */
  readonly isTraced: boolean
  private readonly gauges: ReadonlyArray<Metric.Registration>

  /** Tells it to the registry of metrics in a context. `reserved` is asked whenever that is read. */
  constructor(context: Context.Context<never>, reserved: () => Reserved) {
    this.context = context
    this.isTraced = isTraced(context)
    const none: Partial<Record<Tag, number>> = {}
    for (const tag of tags) none[tag] = 0
    this.counts = none as Record<Tag, number>
    this.gauges = [
      ...tags.map((tag) => this.gauge(instances, { state: tag }, () => this.counts[tag])),
      this.gauge(holdings, { resource: "memory_bytes" }, () => reserved().memoryBytes),
      this.gauge(holdings, { resource: "vcpus" }, () => reserved().vcpus),
      this.gauge(holdings, { resource: "disk_bytes" }, () => reserved().diskBytes)
    ]
  }

  /** What is read of a launcher is not to be had any more. */
  close(): void {
    for (const gauge of this.gauges) gauge.remove()
  }

  /** An instance came to a state, from one or from nowhere, or went. */
  moved(from: Tag | undefined, to: Tag | undefined): void {
    if (from === to) return
    if (from !== undefined) this.counts[from]--
    if (to !== undefined) this.counts[to]++
  }

  operation(operation: string, outcome: string): void {
    this.operations.of(operation, outcome).updateUnsafe(1, this.context)
  }

  phase(phase: Phase, outcome: PhaseOutcome, millis: number): void {
    this.phases.of(phase, outcome).updateUnsafe(millis / 1_000, this.context)
  }

  restarted(): void {
    restarts.updateUnsafe(1, this.context)
  }

  adopted(): void {
    adoptions.updateUnsafe(1, this.context)
  }

  missed(events: number): void {
    missed.updateUnsafe(events, this.context)
  }

  orphans(count: number): void {
    this.orphansFound = count
    orphans.updateUnsafe(count, this.context)
  }

  /** One of them is none any more. */
  orphanGone(): void {
    if (this.orphansFound !== undefined && this.orphansFound > 0) this.orphans(this.orphansFound - 1)
  }

  /** What is asked for when it is read costs nothing when it changes, and is never old. */
  private gauge(
    metric: Metric.Gauge<number>,
    attributes: Record<string, string>,
    value: () => number
  ): Metric.Registration {
    const hooks = { get: () => ({ value: value() }), update: () => {}, modify: () => {} }
    return Metric.registerUnsafe(Metric.withAttributes(metric, attributes), this.context, hooks)
  }
}

/** Metrics that differ in two attributes, each made when it is first counted in. */
class Series<A extends string, B extends string> {
  private readonly make: (a: A, b: B) => Metric.Metric<number, unknown>
  private readonly made = new Map<A, Map<B, Metric.Metric<number, unknown>>>()

  constructor(make: Series<A, B>["make"]) {
    this.make = make
  }

  of(a: A, b: B): Metric.Metric<number, unknown> {
    return this.made.get(a)?.get(b) ?? this.add(a, b)
  }

  private add(a: A, b: B): Metric.Metric<number, unknown> {
    const metric = this.make(a, b)
    const some = this.made.get(a) ?? new Map<B, Metric.Metric<number, unknown>>()
    this.made.set(a, some.set(b, metric))
    return metric
  }
}
