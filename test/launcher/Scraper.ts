/** What a launcher tells of itself, as those read it who watch over a node: its metrics and its traces. */
import { Effect, Metric, Option, Tracer } from "effect"

/** The series of one metric: their values, by their attributes' values in the order of the attributes' names. */
export const metric = (id: string): Effect.Effect<Readonly<Record<string, number>>> =>
  Effect.map(Metric.snapshot, (all) =>
    Object.fromEntries(
      all.filter((one) => one.id === id).map((one) => [
        Object.entries(one.attributes ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1).map(([, value]) => value).join(" "),
        valueOf(one)
      ])
    ))

/** The value of a gauge, the count of a counter, or how many a histogram holds. */
const valueOf = (snapshot: Metric.Metric.Snapshot): number => {
  switch (snapshot.type) {
    case "Gauge":
      return Number(snapshot.state.value)
    case "Counter":
    case "Histogram":
      return Number(snapshot.state.count)
    default:
      return Number.NaN
  }
}

/** Gives a program a registry of metrics of its own. */
export const apart = Effect.provideService(Metric.MetricRegistry)

/** A span that has ended. */
export interface Ended {
  readonly name: string
  /** The name of its parent; absent where it has none. */
  readonly parent: string | undefined
  readonly traceId: string
  readonly instance: unknown
  readonly startMillis: number
  readonly durationMillis: number
  readonly isFailed: boolean
}

/** Keeps every span. */
export class Tracing {
  private readonly spans: Array<Tracer.NativeSpan> = []
  readonly tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.spans.push(span)
      return span
    }
  })

  /** Those that have ended, in the order in which they began. */
  get ended(): ReadonlyArray<Ended> {
    return this.spans.flatMap(({ attributes, name, parent, startTime, status, traceId }) => {
      if (status._tag !== "Ended") return []
      const above = Option.getOrUndefined(parent)
      return [{
        name,
        parent: above?._tag === "Span" ? above.name : undefined,
        traceId,
        instance: attributes.get("vivarium.instance"),
        startMillis: Number(startTime) / 1e6,
        durationMillis: Number(status.endTime - startTime) / 1e6,
        isFailed: status.exit._tag === "Failure"
      }]
    })
  }

  /** The trace that the last span of a name belongs to: those below it. */
  below(name: string): ReadonlyArray<Ended> {
    const root = this.ended.findLast((span) => span.name === name)
    return this.ended.filter((span) => span.traceId === root?.traceId && span.parent === name)
  }

  /** The last span of a name. */
  last(name: string): Ended | undefined {
    return this.ended.findLast((span) => span.name === name)
  }
}
