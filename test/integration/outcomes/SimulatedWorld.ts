/**
 * A simulated node, on the clock at hand.
 */
import { Effect, type Scope } from "effect"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import * as SimulatedNode from "../../../src/testing/SimulatedNode.ts"
import { instances, missingVolume } from "./Act.ts"
import { Holds } from "./Holds.ts"
import * as Specs from "./Specs.ts"
import type { World } from "./World.ts"

/** A node without faults, or whose guests do not look at their power button. */
export const make = Effect.fnUntraced(function*(
  options: { readonly seed: string; readonly deaf: boolean }
): Effect.fn.Return<World, never, Scope.Scope> {
  const holds = new Holds()
  const node = yield* SimulatedNode.make({
    seed: options.seed,
    faults: options.deaf ? { ignoresPowerButton: 1 } : {},
    wrap: (parts) => ({ ...parts, virtualizer: holds.wrap(parts.virtualizer) })
  })
  node.volumes.missing.add(missingVolume)
  const { disk, host } = node
  return {
    holds,
    spec: (id) =>
      InstanceSpec.make({ ...Specs.fields(id, options.deaf), virtualizer: "simulation", boot: Specs.image("/images") }),
    open: node.open(),
    close: node.close,
    powerOff: (id) => Effect.sync(() => host.powerOff(id)),
    panic: (id) => Effect.sync(() => host.panic(id)),
    reboot: (id) => Effect.sync(() => host.reboot(id)),
    kill: (id) => Effect.sync(() => host.crash(id, { _tag: "Unknown" })),
    guests: Effect.sync(() =>
      host.guests.map(({ id, volumes }) => ({ id, volumes: volumes.toSorted() }))
        .toSorted((a, b) => instances.indexOf(a.id) - instances.indexOf(b.id))
    ),
    booted: () => Effect.void,
    record: (id) => Effect.sync(() => disk.record(id)),
    // The image is the instance's own here, and is kept for as long as that is there.
    isLeft: (id) =>
      Effect.sync(() => host.remains(id).some((what) => what !== "image" || disk.record(id) === undefined))
  }
})
