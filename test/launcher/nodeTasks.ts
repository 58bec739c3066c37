/** What tests of a node's tasks have in common. */
import { Effect, Stream } from "effect"
import type { InstanceStore } from "../../src/launcher/InstanceStore.ts"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import type { Removal } from "../../src/launcher/Removals.ts"
import { beside, TestNode } from "./TestNode.ts"

/** Collects what a stream tells, as long as it does. */
export const collecting = (removals: Launcher["Service"]["evacuate"]) =>
  Effect.gen(function*() {
    const told: Array<Removal> = []
    const fiber = yield* beside(Stream.runForEach(removals, (one) => Effect.sync(() => told.push(one))))
    return { told, fiber }
  })

/** A node that writes its own record as a test has it. */
export const withNodeStore = (putNode: (store: InstanceStore["Service"]) => InstanceStore["Service"]["putNode"]) => {
  const node = new TestNode()
  node.wrapStore = (store) => ({ ...store, putNode: putNode(store) })
  return node
}
