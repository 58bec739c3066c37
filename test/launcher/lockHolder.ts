/** Takes a state directory's lock, says so, and holds it until it is killed. Its argument is the directory. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as InstanceStoreFile from "../../src/launcher/InstanceStoreFile.ts"

const directory = process.argv[2] ?? ""

NodeRuntime.runMain(
  Effect.scoped(Effect.gen(function*() {
    const { incarnation } = yield* InstanceStoreFile.make(directory)
    yield* Console.log(`held ${incarnation}`)
    // The first Ctrl-C begins its clean-up, which takes a while.
    return yield* Effect.onInterrupt(Effect.never, () => Effect.andThen(Console.log("interrupted"), Effect.never))
  })).pipe(Effect.provide(NodeServices.layer))
)
