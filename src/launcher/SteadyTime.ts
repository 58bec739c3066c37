/**
 * The time that a launcher reckons with: what the clock said when it began, and what has passed since. Whoever sets the clock then
 * neither prolongs a wait nor ends it.
 */
import type { Clock } from "effect"

/** Milliseconds since the beginning of 1970, which never go back. */
export const make = (clock: Clock.Clock): () => number => {
  const passedMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const beginMillis = clock.currentTimeMillisUnsafe() - passedMillis()
  // A microsecond more, for what such large numbers round off.
  return () => Math.floor(beginMillis + passedMillis() + 1e-3)
}
