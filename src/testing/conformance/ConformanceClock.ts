/**
 * How time passes in the conformance suite. The same tests run on real and on virtual time.
 */
import { Context, Duration, Effect } from "effect"
import * as Simulator from "../Simulator.ts"
import { ConformanceFailure } from "./ConformanceFailure.ts"

export interface Shape {
  /** Runs a test, with time passing in it until it has ended. */
  readonly run: <A>(test: Effect.Effect<A, ConformanceFailure>) => Effect.Effect<A, ConformanceFailure>
  /**
   * How long anything may take that has to come about by itself: an operation, its interruption, the end of a guest. What takes
   * longer is taken for what never comes. To be more than every deadline of the virtualizer under test.
   */
  readonly patience: Duration.Duration
  /** For how long a test looks that something does not come about. */
  readonly silence: Duration.Duration
  /** How often a test looks. */
  readonly interval: Duration.Duration
}

/** How time passes. */
export class ConformanceClock extends Context.Service<ConformanceClock, Shape>()("vivarium/ConformanceClock") {}

/** Time passes by itself. */
export const real = (options: { readonly patience: Duration.Input }): Shape => ({
  run: (test) => test,
  patience: Duration.fromInputUnsafe(options.patience),
  silence: Duration.millis(200),
  interval: Duration.millis(10)
})

/**
 * Time passes when nobody can go on: for a virtualizer that waits for nothing but the `Clock`. In which order fibers run is
 * drawn from the seed: see `Simulator` for the options.
 */
export const virtual = (options: Simulator.SimulatorOptions): Shape => ({
  run: (test) =>
    Effect.suspend(() => Simulator.make(options).run(test)).pipe(
      Effect.catchTag(
        "Stuck",
        ({ message }) => Effect.fail(new ConformanceFailure({ contract: "Every wait has an end", found: message }))
      )
    ),
  patience: Duration.minutes(5),
  silence: Duration.minutes(1),
  interval: Duration.millis(100)
})
