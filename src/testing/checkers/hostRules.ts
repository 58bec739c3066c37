/**
 * The host was never asked for what no virtualizer may ask of it. What that is, the host knows.
 */
import { type Checker, make } from "../Checker.ts"

export const hostRules: Checker = make("the host's rules", (complain) => (entry) => {
  if (entry._tag === "Violated") complain(entry.detail)
})
