/**
 * How a command tells its answer: for a person, as JSON, or as ids only. Answers go to standard output; all else to standard error.
 */
import { Console, Effect, Stdio, Terminal } from "effect"
import { root } from "./Root.ts"
import { type Column, table } from "./Table.ts"

export type Mode = "human" | "json" | "quiet"

export interface Output {
  readonly mode: Mode
  /** How wide a table may be; undefined where nobody looks at it. */
  readonly columns: number | undefined
  /** Whether a person watches progress being drawn. */
  readonly isWatched: boolean
}

/** What a terminal that can not tell its width is taken for. */
const columnsAssumed = 80

/** How this command shall tell its answer. */
export const output = Effect.gen(function*() {
  const { json, quiet } = yield* root
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const columns = yield* terminal.columns
  const mode: Mode = json ? "json" : quiet ? "quiet" : "human"
  return {
    mode,
    columns: (yield* stdio.stdoutIsTerminal) ? columns || columnsAssumed : undefined,
    isWatched: mode === "human" && (yield* stdio.stderrIsTerminal)
  } satisfies Output
})

/** An answer, in each of the three ways. What is made of it is made only where it is wanted. */
export interface Answer {
  readonly human: (columns: number | undefined) => ReadonlyArray<string>
  readonly json: () => unknown
  readonly ids: () => ReadonlyArray<string>
}

const printLines = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  lines.length === 0 ? Effect.void : Console.log(lines.join("\n"))

/** Tells an answer. */
export const tell = ({ columns, mode }: Output, { human, ids, json }: Answer): Effect.Effect<void> => {
  switch (mode) {
    case "human":
      return printLines(human(columns))
    case "json":
      return Console.log(JSON.stringify(json(), null, 2))
    case "quiet":
      return printLines(ids())
  }
}

/** Tells one of many that follow one another: JSON is one line of it. */
export const tellOne = ({ columns, mode }: Output, { human, ids, json }: Answer): Effect.Effect<void> =>
  mode === "json" ? Console.log(JSON.stringify(json())) : printLines(mode === "quiet" ? ids() : human(columns))

/** Rows as a table. */
export const rows = <Row>(
  all: ReadonlyArray<Row>,
  columns: ReadonlyArray<Column<Row>>
): Pick<Answer, "human"> => ({ human: (width) => table(columns, all, width) })
