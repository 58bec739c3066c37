/**
 * A table that fits its terminal.
 */
import { elide, plain, width } from "./Text.ts"

export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string
  /** Its values may be cut to fit. */
  readonly shrinks?: true
  /** Numbers stand under one another. */
  readonly right?: true
  /** What does not fit is left out: the highest first. Without one it stays. */
  readonly leaveOut?: number
}

/** What is narrower says nothing any more. */
const narrowest = 8

const gap = 2

const total = (widths: ReadonlyArray<number>): number =>
  widths.reduce((sum, one) => sum + one, 0) + gap * Math.max(0, widths.length - 1)

interface Measured<Row> {
  readonly column: Column<Row>
  readonly cells: ReadonlyArray<string>
  width: number
}

/** Takes cells from the widest of those that shrink, until it fits or nothing is left to take. */
const shrink = <Row>(measured: ReadonlyArray<Measured<Row>>, columns: number): boolean => {
  let over = total(measured.map((one) => one.width)) - columns
  const shrinking = measured.filter(({ column }) => column.shrinks === true)
  const least = (one: Measured<Row>) => Math.max(narrowest, width(one.column.title))
  const given = shrinking.reduce((sum, one) => sum + Math.max(0, one.width - least(one)), 0)
  if (given < over) return false
  while (over > 0) {
    const [widest] = shrinking.filter((one) => one.width > least(one)).toSorted((a, b) => b.width - a.width)
    if (widest === undefined) return false
    widest.width--
    over--
  }
  return true
}

/**
 * The lines of a table, its titles first: no wider than so many columns, or as wide as it is where that is not said. Columns are cut
 * and left out as they say; where even that is not enough, lines are cut.
 */
export const table = <Row>(
  all: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  columns: number | undefined
): ReadonlyArray<string> => {
  let measured = all.map((column): Measured<Row> => {
    const cells = [column.title, ...rows.map((row) => plain(column.of(row)))]
    return { column, cells, width: cells.reduce((widest, cell) => Math.max(widest, width(cell)), 0) }
  })
  while (columns !== undefined && !shrink(measured, columns)) {
    const [next] = measured.filter(({ column }) => column.leaveOut !== undefined).toSorted((a, b) =>
      (b.column.leaveOut ?? 0) - (a.column.leaveOut ?? 0)
    )
    if (next === undefined) break
    measured = measured.filter((one) => one !== next)
  }
  return Array.from({ length: rows.length + 1 }, (_, index) => {
    const line = measured.map(({ cells, column, width: wide }) => {
      const cell = elide(cells[index] ?? "", wide)
      const padding = " ".repeat(wide - width(cell))
      return column.right === true ? padding + cell : cell + padding
    }).join(" ".repeat(gap)).trimEnd()
    return columns === undefined ? line : elide(line, columns)
  })
}

/** What belongs together as lines of names and values, which begin below one another. Nothing is cut. */
export const listing = (
  entries: ReadonlyArray<readonly [name: string, value: string | undefined]>
): ReadonlyArray<string> => {
  const given = entries.filter(([, value]) => value !== undefined)
  const wide = given.reduce((widest, [name]) => Math.max(widest, width(name)), 0)
  return given.map(([name, value = ""]) => `${name.padEnd(wide)}  ${plain(value)}`)
}
