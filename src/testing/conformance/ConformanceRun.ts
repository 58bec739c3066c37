/**
 * Running one test of the conformance suite on a virtualizer.
 */
import { Cause, Effect, Exit, Layer } from "effect"
import { type Virtualizer, Virtualizers } from "../../Virtualizer.ts"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"
import * as Clock from "./ConformanceClock.ts"
import { ConformanceFailure } from "./ConformanceFailure.ts"
import type { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, unmetNeeds } from "./ConformanceTest.ts"
import { Launchers } from "./Launchers.ts"

export { tests } from "./tests.ts"

/** What is tested, and where. */
export interface Setup<E, R> {
  /** What one launcher makes its virtualizer with. It is built anew for each launcher of a test. */
  readonly virtualizer: Layer.Layer<Virtualizers, VirtualizerError, ConformanceHost | R>
  /** The host of a test, which outlives its launchers. It is built anew for each test, and ends what is left with its scope. */
  readonly host: Layer.Layer<ConformanceHost | R, E>
  readonly clock: Clock.Shape
}

export type Outcome =
  | { readonly _tag: "Passed" }
  /** The test says nothing of this virtualizer on this host. */
  | { readonly _tag: "Skipped"; readonly why: string }
  | { readonly _tag: "Failed"; readonly failure: ConformanceFailure }

/** The one virtualizer of a node that is tested. */
const only = (virtualizers: ReadonlyMap<string, Virtualizer>): Effect.Effect<Virtualizer, VirtualizerError> => {
  const [virtualizer, ...others] = virtualizers.values()
  return virtualizer === undefined || others.length > 0
    ? Effect.fail(fail(new HostFailure({ detail: "the layer is to have one virtualizer: test each by itself" })))
    : Effect.succeed(virtualizer)
}

/** What broke the test itself. */
const failureOf = (cause: Cause.Cause<ConformanceFailure>): ConformanceFailure =>
  cause.reasons.find(Cause.isFailReason)?.error ??
    new ConformanceFailure({
      contract: "Nothing dies: a defect is a bug, of the virtualizer or of the host of its test",
      found: Cause.pretty(cause)
    })

/** Runs a test on a host of its own. */
export const run = <E, R>(test: ConformanceTest, setup: Setup<E, R>): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    const host = yield* Effect.orDie(
      Layer.buildWithMemoMap(setup.host, Layer.makeMemoMapUnsafe(), yield* Effect.scope)
    )
    const open = Effect.gen(function*() {
      const context = yield* Layer.buildWithMemoMap(
        setup.virtualizer,
        Layer.makeMemoMapUnsafe(),
        yield* Effect.scope
      )
      return yield* Virtualizers.use(only).pipe(Effect.provideContext(context))
    }).pipe(Effect.provideContext(host))
    const whole = Effect.gen(function*() {
      const unmet = yield* unmetNeeds(test)
      if (unmet.length === 0) yield* test.run
      return unmet
    })
    return yield* Effect.scoped(whole).pipe(
      Effect.provideService(Launchers, { open }),
      Effect.provideService(Clock.ConformanceClock, setup.clock),
      Effect.provideContext(host)
    )
  }).pipe(
    Effect.scoped,
    setup.clock.run,
    Effect.exit,
    Effect.map((exit): Outcome =>
      Exit.isFailure(exit)
        ? { _tag: "Failed", failure: failureOf(exit.cause) }
        : exit.value.length === 0
        ? { _tag: "Passed" }
        : { _tag: "Skipped", why: exit.value.join(", ") }
    )
  )
