/**
 * What our start and our delete of a virtual machine cost, over the same done by hand.
 */
import { Effect, Layer } from "effect"
import type { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as Built from "./Built.ts"
import * as RawGuest from "./RawGuest.ts"
import { median, type Row, row, timed } from "./Row.ts"
import * as Workshop from "./Workshop.ts"

const warmUps = 2

interface Sample {
  readonly startMillis: number
  readonly endMillis: number
}

/** A life by our launcher: accepted start to running; then, of the paused guest, delete to gone. */
const ours = Effect.fnUntraced(function*(spec: InstanceSpec) {
  const launcher = yield* Built.Launcher.Launcher
  const start = yield* timed(launcher.start(spec))
  yield* launcher.pause(spec.id)
  const end = yield* timed(launcher.delete(spec.id))
  return { startMillis: start.millis, endMillis: end.millis }
})

/** The same by hand: spawn to `cont` answered; then, of the paused guest, `quit` to gone. */
const byHand = Effect.fnUntraced(function*(template: RawGuest.Template) {
  const start = yield* timed(RawGuest.start(template))
  yield* RawGuest.pause(start.value)
  const end = yield* timed(RawGuest.quit(start.value))
  return { startMillis: start.millis, endMillis: end.millis }
}, Effect.scoped)

/** Both in turn, so many times, after warming up; who begins changes from round to round. */
const alternate = Effect.fnUntraced(function*(
  workshop: Workshop.Workshop,
  spec: InstanceSpec,
  rounds: number
) {
  const launcher = yield* Built.Launcher.Launcher
  yield* launcher.start(spec)
  yield* launcher.pause(spec.id)
  const template = yield* RawGuest.template(workshop, spec.id)
  yield* launcher.delete(spec.id)

  const samples: { readonly ours: Array<Sample>; readonly byHand: Array<Sample> } = { ours: [], byHand: [] }
  for (let round = 0; round < warmUps + rounds; round++) {
    const turns = [
      Effect.map(ours(spec), (sample) => ({ side: samples.ours, sample })),
      Effect.map(byHand(template), (sample) => ({ side: samples.byHand, sample }))
    ]
    for (const { sample, side } of yield* Effect.all(round % 2 === 0 ? turns : turns.toReversed())) {
      if (round >= warmUps) side.push(sample)
    }
  }
  return samples
})

const compare = (name: string, ours: ReadonlyArray<number>, byHand: ReadonlyArray<number>, goal: number | null) => [
  row(name, "ratio", median(ours) / median(byHand), goal),
  row(`${name}.ours`, "ms", median(ours)),
  row(`${name}.by-hand`, "ms", median(byHand))
]

const starts = (samples: ReadonlyArray<Sample>) => samples.map(({ startMillis }) => startMillis)
const ends = (samples: ReadonlyArray<Sample>) => samples.map(({ endMillis }) => endMillis)

/** `vm-start-overhead`: without a disk, which the goal is for; then with an overlay and a seed. */
export const startOverhead = Effect.gen(function*() {
  const workshop = yield* Workshop.make
  const measure = Effect.gen(function*() {
    const bare = yield* alternate(workshop, Workshop.bare(workshop, 1), 20)
    const disk = yield* alternate(workshop, Workshop.withDisk(workshop, 2), 10)
    return [
      ...compare("vm-start-overhead", starts(bare.ours), starts(bare.byHand), 1.15),
      ...compare("vm-start-overhead-with-disk", starts(disk.ours), starts(disk.byHand), null)
    ] satisfies ReadonlyArray<Row>
  })
  return yield* Effect.provide(measure, Layer.fresh(Built.node(workshop.config)))
}).pipe(Effect.scoped)

/** `vm-destroy-overhead`: of a paused guest. */
export const destroyOverhead = Effect.gen(function*() {
  const workshop = yield* Workshop.make
  const { byHand, ours } = yield* alternate(workshop, Workshop.bare(workshop, 1), 20).pipe(
    Effect.provide(Layer.fresh(Built.node(workshop.config)))
  )
  return compare("vm-destroy-overhead", ends(ours), ends(byHand), 2)
}).pipe(Effect.scoped)
