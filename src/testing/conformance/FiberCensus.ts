/**
 * Counts fibers: what was begun and has not ended, whoever owns it.
 */
import { Effect, Metric } from "effect"

/** A count of its own. */
export class FiberCensus {
  #alive = 0

  /** How many of the counted fibers have not ended. */
  get alive(): number {
    return this.#alive
  }

  /** Counts all fibers that come of an effect, but for the one that it runs in. */
  count<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.updateService(effect, Metric.FiberRuntimeMetrics, (others) => ({
      recordFiberStart: (context) => {
        this.#alive++
        others?.recordFiberStart(context)
      },
      recordFiberEnd: (context, exit) => {
        this.#alive--
        others?.recordFiberEnd(context, exit)
      }
    }))
  }
}

/** Nothing has been counted. */
export const make = (): FiberCensus => new FiberCensus()
