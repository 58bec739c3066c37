/**
 * The time that a launcher reckons with: the clock's, but that it goes on where that is set back, so that nobody waits longer for
 * it.
 */
import type { Clock } from "effect"

/** Milliseconds since the beginning of 1970, which never go back. */
export const make = (
  clock: Pick<Clock.Clock, "currentTimeMillisUnsafe" | "monotonicTimeNanosUnsafe">
): () => number => {
  const passedMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** How far the clock is ahead of what has passed; the most that it ever was. */
  let aheadMillis = -Infinity
  return () => {
    const millis = passedMillis()
    aheadMillis = Math.max(aheadMillis, clock.currentTimeMillisUnsafe() - millis)
    return Math.floor(aheadMillis + millis)
  }
}
