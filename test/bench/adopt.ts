/**
 * What a launcher that begins takes to have hold of the guests it finds.
 */
import { Context, Effect, Layer, Path } from "effect"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import * as Built from "./Built.ts"
import { RawQmp } from "./RawQmp.ts"
import { median, row, timed } from "./Row.ts"
import * as Workshop from "./Workshop.ts"

const guests = 20
const warmUps = 5
const rounds = 21

/** Fails unless the launcher has them all, and knows that they are paused. */
const checkAdopted = Effect.fnUntraced(function*(launcher: Launcher["Service"]) {
  const states = (yield* launcher.list).map(({ state }) => state._tag)
  if (states.length !== guests || states.some((state) => state !== "Paused")) {
    return yield* Effect.die(`not adopted when the layer was built: ${states.join(" ")}`)
  }
})

/** `adopt-20-vms`: a launcher's layer built over paused guests; then as many raw QMP handshakes in parallel. */
export const adopt = Effect.gen(function*() {
  const { join } = yield* Path.Path
  const workshop = yield* Workshop.make
  const node = Layer.fresh(Built.node(workshop.config))
  const ids = Array.from({ length: guests }, (_, index) => Workshop.instanceId(index + 1))
  yield* Effect.gen(function*() {
    const launcher = yield* Built.Launcher.Launcher
    for (let number = 1; number <= guests; number++) {
      const { spec } = yield* launcher.start(Workshop.bare(workshop, number))
      yield* launcher.pause(spec.id)
    }
  }).pipe(Effect.provide(node))

  const sockets = ids.map((id) => join(workshop.config.stateDirectory, "instances", id, "guest", "run", "qmp.sock"))
  const adoptions: Array<number> = []
  const handshakes: Array<number> = []
  for (let round = 0; round < warmUps + rounds; round++) {
    const adoption = yield* Effect.scoped(Effect.gen(function*() {
      const { millis, value } = yield* timed(Layer.build(node))
      yield* checkAdopted(Context.get(value, Built.Launcher.Launcher))
      return millis
    }))
    const { millis, value } = yield* timed(
      Effect.promise(() => Promise.all(sockets.map((path) => RawQmp.connect(path))))
    )
    for (const connection of value) connection.close()
    if (round < warmUps) continue
    adoptions.push(adoption)
    handshakes.push(millis)
  }
  yield* Effect.forEach(ids, (id) => Effect.flatMap(Built.Launcher.Launcher, (launcher) => launcher.delete(id)), {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.provide(node))
  return [
    row("adopt-20-vms", "ms", median(adoptions), 35),
    row("adopt-20-vms.raw-handshakes", "ms", median(handshakes))
  ]
}).pipe(Effect.scoped)
