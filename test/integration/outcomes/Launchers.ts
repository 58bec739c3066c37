/**
 * The launchers of one real node, one after the other.
 */
import type { NodeServices } from "@effect/platform-node"
import { Context, Effect, Exit, FileSystem, Layer, Option, Schema, Scope } from "effect"
import { InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import { Launcher } from "../../../src/launcher/Launcher.ts"
import * as LauncherDirectory from "../../../src/launcher/LauncherDirectory.ts"
import { fail, LauncherError, StateFailure } from "../../../src/launcher/LauncherError.ts"
import { Virtualizers } from "../../../src/Virtualizer.ts"
import type { VirtualizerError } from "../../../src/VirtualizerError.ts"
import { Holds } from "./Holds.ts"
import type { World } from "./World.ts"

const decodeRecord = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(InstanceRecord)))

/** Those of a state directory, whose guests can be held where they are. They end with the scope at the latest. */
export const make = Effect.fnUntraced(function*(
  stateDirectory: string,
  virtualizers: Layer.Layer<Virtualizers, VirtualizerError, NodeServices.NodeServices>
): Effect.fn.Return<
  Pick<World, "holds" | "open" | "close" | "record">,
  never,
  NodeServices.NodeServices | Scope.Scope
> {
  const fs = yield* FileSystem.FileSystem
  const services = yield* Effect.context<NodeServices.NodeServices>()
  const testScope = yield* Effect.scope
  const holds = new Holds()
  const held = Layer.effect(
    Virtualizers,
    Effect.map(Virtualizers, (all) => new Map(Array.from(all, ([name, one]) => [name, holds.wrap(one)])))
  ).pipe(Layer.provide(virtualizers))
  const launcher = LauncherDirectory.layer(stateDirectory).pipe(Layer.provide(held))
  let current: Scope.Closeable | undefined
  return {
    holds,
    open: Effect.gen(function*() {
      const scope = current = yield* Scope.fork(testScope)
      return Context.get(yield* Layer.buildWithScope(launcher, scope), Launcher)
    }).pipe(
      Effect.provideContext(services),
      Effect.mapError((error) =>
        error instanceof LauncherError ? error : fail(new StateFailure({ detail: error.message }))
      )
    ),
    close: Effect.suspend(() => {
      const scope = current
      current = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    }),
    record: (id) =>
      Effect.option(Effect.flatMap(fs.readFileString(`${stateDirectory}/records/${id}.json`), decodeRecord)).pipe(
        Effect.map(Option.getOrUndefined)
      )
  }
})
