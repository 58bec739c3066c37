/**
 * A launcher that has gone leaves no fiber and no timer behind, whether it was closed or crashed.
 */
import { type Checker, make } from "../Checker.ts"

export const nothingRunsOn: Checker = make("no fiber or timer left", (complain) => (entry) => {
  if (entry._tag !== "Closed" && entry._tag !== "Buried") return
  const { incarnation, left: { fibers, timers } } = entry
  if (fibers > 0 || timers > 0) complain(`launcher ${incarnation} left ${fibers} fibers and ${timers} timers`)
})
