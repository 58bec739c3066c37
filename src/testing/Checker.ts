/**
 * Judges a history. Each checker holds one promise, in a file of its own, and knows what excuses there are from it. A run is
 * right when none of them finds anything.
 */
import type { Entry, History } from "./History.ts"

/** A promise that was not kept. */
export interface Violation {
  /** The name of the checker. */
  readonly checker: string
  /** When it was found out. */
  readonly atMillis: number
  /** Which entry of the history showed it. */
  readonly index: number
  /** What is wrong, in a sentence. */
  readonly detail: string
}

/** One promise. */
export interface Checker {
  /** What is promised, in a few words. */
  readonly name: string
  /** All breaches of it. Pure: the same history always gives the same. */
  readonly check: (history: History) => ReadonlyArray<Violation>
}

/** Complains of the entry that is being looked at. */
export type Complain = (detail: string) => void

/**
 * A checker that reads a history once, from its beginning to its end. `begin` makes what it keeps in mind, and returns what
 * looks at one entry.
 */
export const make = (
  name: string,
  begin: (complain: Complain) => (entry: Entry, index: number) => void
): Checker => ({
  name,
  check: (history) => {
    const violations: Array<Violation> = []
    let atMillis = 0
    let index = 0
    const look = begin((detail) => {
      violations.push({ checker: name, atMillis, index, detail })
    })
    for (const entry of history) {
      atMillis = entry.atMillis
      look(entry, index)
      index++
    }
    return violations
  }
})
