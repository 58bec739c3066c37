/**
 * What a bench finds.
 */
import { Clock, Effect } from "effect"

/** One figure. `goal` is the most it may be; it and `met` are null where there is none. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: "ratio" | "ms" | "µs" | "B"
  readonly goal: number | null
  readonly met: boolean | null
}

/** A figure, rounded to what a repetition can tell apart. */
export const row = (name: string, unit: Row["unit"], value: number, goal: number | null = null): Row => ({
  name,
  value: Number(value.toFixed(3)),
  unit,
  goal,
  met: goal === null ? null : value <= goal
})

/** How many milliseconds an effect took, and what it answered. */
export const timed = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const began = yield* Clock.monotonicTimeNanos
  const value = yield* effect
  return { millis: Number((yield* Clock.monotonicTimeNanos) - began) / 1e6, value }
})

/** The median. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Rows as a table, the widest of which has 80 columns. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const line = (name: string, value: string, unit: string, goal: string, met: string) =>
    `${name.padEnd(36)} ${value.padStart(8)} ${unit.padEnd(6)} ${goal.padStart(8)}  ${met}`.trimEnd()
  return [
    line("name", "value", "unit", "goal", "met"),
    ...rows.map(({ goal, met, name, unit, value }) =>
      line(name, value.toFixed(2), unit, goal === null ? "" : `<= ${goal}`, met === null ? "" : met ? "yes" : "NO")
    )
  ].join("\n")
}
