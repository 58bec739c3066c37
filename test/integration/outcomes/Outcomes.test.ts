/**
 * The same commands have the same outcomes on the simulation, on QEMU and on a Docker Engine: a slice of what the soak plays.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import * as Outcomes from "./Outcomes.ts"

/** Where there are differences, the fewest commands that show each are looked for. */
const slowly = 300_000

const same = Effect.fnUntraced(function*(
  real: Outcomes.Real,
  options: { readonly seed: number; readonly sequences: number; readonly length: number }
) {
  const differences = yield* Outcomes.run({ real, ...options })
  assert.strictEqual(differences.map((difference) => Outcomes.report(real.name, difference)).join("\n\n"), "")
})

describe("random commands", () => {
  it.live("have the same outcomes on the simulation and on QEMU", () =>
    Effect.gen(function*() {
      yield* same(Outcomes.qemu, { seed: 37, sequences: 12, length: 14 })
    }).pipe(Effect.provide(NodeServices.layer)), slowly)

  it.live("have the same outcomes on the simulation and on a Docker Engine", () =>
    Effect.gen(function*() {
      const engine = yield* DockerEngine.make()
      yield* TestImages.load(engine)
      yield* same(Outcomes.docker(engine), { seed: 41, sequences: 8, length: 14 })
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), slowly)
})
