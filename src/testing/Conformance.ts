/**
 * The suite that every virtualizer passes, whoever wrote it.
 *
 * It holds a virtualizer to every sentence of the contract (`vivarium/Virtualizer`), on a host that is written for its tests.
 * What it needs:
 *
 * - The virtualizer, as a layer of `Virtualizers`, as a launcher gets it. The suite builds it anew for each launcher of a test.
 * - A `ConformanceHost`, as a layer: the directories, specs and volumes of its tests, what can happen to a guest past the
 *   virtualizer, what can be seen of it from outside, and gates, at which an operation is held so that it can be interrupted in
 *   the middle. Built for each test, it outlives that test's launchers, and ends what is left when its scope closes.
 * - How time passes: `ConformanceClock.real`, or `ConformanceClock.virtual` for a virtualizer that waits for nothing but
 *   Effect's `Clock`. The tests are the same, and none sleeps for as long as it takes to be sure.
 *
 * The suite knows no virtualizer by name. What is not declared among its capabilities is to be refused, which is tested; tests
 * of what a host can not do, such as breaking a control channel, are skipped, and say so.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import * as Conformance from "vivarium/testing/Conformance"
 * import { real } from "vivarium/testing/conformance/ConformanceClock"
 * import { ConformanceHost } from "vivarium/testing/conformance/ConformanceHost"
 *
 * const host = Layer.effect(ConformanceHost, Effect.gen(function*() {
 *   const engine = yield* startEngineInTemporaryDirectory
 *   return {
 *     directory: (id) => `${engine.directory}/instances/${id}`,
 *     kinds: ["obedient", "deaf", "imageless"],
 *     spec: (id, kind) => engine.specOf(id, kind),
 *     crash: (id) => engine.signal(id, "SIGKILL"),
 *     gates: {
 *       start: [{ name: "before the process begins", hold: (id) => engine.holdNextFork(id) }],
 *       // and so on: at least one for each operation
 *     },
 *     // and so on
 *   }
 * }))
 *
 * Conformance.suite("my virtualizer", MyVirtualizer.layer({ stateDirectory: "/tmp/tests" }), {
 *   host,
 *   clock: real({ patience: "30 seconds" }),
 *   timeout: "2 minutes"
 * })
 * ```
 *
 * A failed test says what the contract asks for, and what was found instead. To try a single test without a test runner, run
 * one of `ConformanceRun.tests` with `ConformanceRun.run`.
 */
import { Duration, Effect, type Layer } from "effect"
import { describe, it } from "vitest"
import type { Virtualizers } from "../Virtualizer.ts"
import type { VirtualizerError } from "../VirtualizerError.ts"
import type { ConformanceHost } from "./conformance/ConformanceHost.ts"
import * as ConformanceRun from "./conformance/ConformanceRun.ts"

export interface SuiteOptions<E, R> extends Omit<ConformanceRun.Setup<E, R>, "virtualizer"> {
  /**
   * How long one test may take; then it is interrupted, and its host ends what is left. To be more than the patience of a real
   * clock, or what never comes is told as a test that takes too long, and not in the words of the contract. Default: the test
   * runner's.
   */
  readonly timeout?: Duration.Input
  /** Whether tests run beside each other, as many as the test runner allows. Each has a host of its own. Default false. */
  readonly concurrent?: boolean
}

/** Registers every test of the suite with vitest, for this virtualizer. */
export const suite = <E, R>(
  name: string,
  layer: Layer.Layer<Virtualizers, VirtualizerError, ConformanceHost | R>,
  { concurrent = false, timeout, ...options }: SuiteOptions<E, R>
): void => {
  const settings = { concurrent, ...(timeout === undefined ? {} : { timeout: Duration.toMillis(timeout) }) }
  describe(name, () => {
    for (const test of ConformanceRun.tests) {
      it(test.name, settings, async (context) => {
        // A test that takes too long, and a Ctrl-C, interrupt it, so that its host ends what is left.
        const outcome = await Effect.runPromise(ConformanceRun.run(test, { virtualizer: layer, ...options }), {
          signal: context.signal
        })
        if (outcome._tag === "Failed") throw outcome.failure
        if (outcome._tag === "Skipped") context.skip(outcome.why)
      })
    }
  })
}
