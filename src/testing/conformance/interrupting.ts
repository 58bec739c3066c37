/**
 * Tests of interruption: every operation is held in the middle and interrupted there. Then nothing is left of it, and it can be
 * repeated.
 */
import { Effect, Equal, Exit, Fiber } from "effect"
import { ConformanceHost, type HeldPhase } from "./ConformanceHost.ts"
import type { ConformanceTest } from "./ConformanceTest.ts"
import { begin, broken, comes, holds, inWords, isInterrupted, outcome, succeeds } from "./Contract.ts"
import { type Case, cases } from "./interruptible.ts"

/** Interrupts an operation at one phase. */
const interruptAt = Effect.fnUntraced(function*({ leaves, operation, prepare }: Case, phase: HeldPhase, id: string) {
  const { interrupted, run, subject, succeeded } = yield* prepare(id)
  const { guest, remains } = subject
  const at = `${operation}, held ${phase.name},`
  const before = yield* remains
  yield* Effect.scoped(Effect.gen(function*() {
    const gate = yield* phase.hold(subject.id)
    const fiber = yield* begin(run)
    const first = yield* comes(
      `${operation} reaches its phase ${phase.name}: it`,
      Effect.raceFirst(
        Effect.as(gate.reached, "reached" as const),
        Fiber.await(fiber)
      )
    )
    if (!(Exit.isSuccess(first) && first.value === "reached")) {
      return yield* broken(
        `${operation} comes to its phase ${phase.name}`,
        `it ended without: ${outcome(yield* Fiber.await(fiber))}`
      )
    }
    yield* isInterrupted(at, fiber, phase.opensOnInterruption === true ? gate.open : Effect.void)
  }))
  const after = yield* remains
  if (interrupted !== undefined) yield* interrupted
  yield* succeeds(`${at} interrupted, and repeated,`, run)
  const final = yield* remains
  yield* holds(
    leaves === "asked" || Equal.equals(after, before) || (leaves === "either" && Equal.equals(after, final)),
    `${at} and interrupted, leaves ${
      leaves === "before" ? "what there was before" : "what there was before, or all that it makes"
    }, which is ${inWords(before)}`,
    () => inWords(after)
  )
  yield* succeeded
  // For the next phase's sake: what kill does is for other tests.
  yield* comes("kill", Effect.ignore(guest.kill))
})

export const interrupting: ReadonlyArray<ConformanceTest> = cases.map((one) => ({
  name: `${one.operation} is interrupted in each of its phases, leaves nothing half-done, and can be repeated`,
  needs: one.needs ?? [],
  run: Effect.gen(function*() {
    const { gates } = yield* ConformanceHost
    const phases = gates[one.operation]
    if (phases.length === 0) {
      return yield* broken(`${one.operation} can be held in the middle`, "the host of the test has no gate for it")
    }
    for (const [index, phase] of phases.entries()) {
      yield* Effect.scoped(interruptAt(one, phase, `d${index.toString(16)}`))
    }
  })
}))
