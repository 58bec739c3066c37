/**
 * What many sleepers cost on the virtual clock, against `TestClock`.
 */
import { Effect, Fiber, type Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Built from "./Built.ts"
import { median, row, timed } from "./Row.ts"

const warmUps = 1
const rounds = 3
/** Neither warns of what takes long. */
const patience = { warningDelay: "1 hour" } as const

/** Every one sleeps among all the others, with a deadline that is cancelled: as many waits as instances have. */
const sleeping = Effect.fnUntraced(function*(count: number) {
  const fibers: Array<Fiber.Fiber<unknown>> = []
  for (let index = 0; index < count; index++) {
    // A prime step scatters them over the whole time.
    const sleep = Effect.sleep(1 + (index * 7919) % count)
    fibers.push(yield* Effect.forkChild(Effect.timeoutOption(sleep, 2 * count)))
  }
  yield* Built.VirtualClock.adjust(count)
  yield* Fiber.joinAll(fibers)
})

const measure = <R>(clock: Layer.Layer<R>, count: number) =>
  Effect.map(timed(Effect.provide(sleeping(count), clock, { local: true })), ({ millis }) => millis)

const compare = Effect.fnUntraced(function*(count: number) {
  const ours: Array<number> = []
  const theirs: Array<number> = []
  for (let round = 0; round < warmUps + rounds; round++) {
    const our = yield* measure(Built.VirtualClock.layer(patience), count)
    const their = yield* measure(TestClock.layer(patience), count)
    if (round < warmUps) continue
    ours.push(our)
    theirs.push(their)
  }
  const name = `virtual-clock-${count / 1_000}k-vs-testclock`
  return [
    row(name, "ratio", median(ours) / median(theirs), count === 20_000 ? 0.5 : null),
    row(`${name}.ours`, "ms", median(ours))
  ]
})

/** `virtual-clock-20k-vs-testclock`: sleeps and their deadlines, begun, woken and cancelled on one clock and on the other. */
export const virtualClock = Effect.map(
  Effect.forEach([10_000, 20_000], compare),
  (rows) => rows.flat()
)
