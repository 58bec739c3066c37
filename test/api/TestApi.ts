/**
 * The API in memory: a launcher on a simulated host, and the typed client.
 */
import { NodeCrypto } from "@effect/platform-node"
import { ByteSize, Context, Duration, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import * as AccessControl from "../../src/api/AccessControl.ts"
import { Api } from "../../src/api/Api.ts"
import * as AutoRemove from "../../src/api/AutoRemove.ts"
import { Doctor } from "../../src/api/Doctor.ts"
import * as Operations from "../../src/api/Operations.ts"
import * as ProblemHandling from "../../src/api/ProblemHandling.ts"
import { handlers } from "../../src/api/Server.ts"
import * as Shutdown from "../../src/api/Shutdown.ts"
import * as Streams from "../../src/api/Streams.ts"
import { SimulationVirtualizer } from "../../src/backend/simulation/index.ts"
import { InstanceId, InstanceName } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import { InstanceStore } from "../../src/launcher/InstanceStore.ts"
import * as InstanceStoreMemory from "../../src/launcher/InstanceStoreMemory.ts"
import * as Launcher from "../../src/launcher/Launcher.ts"
import { NodeResources } from "../../src/launcher/NodeResources.ts"
import * as NodeResourcesFixed from "../../src/launcher/NodeResourcesFixed.ts"
import { VolumeResolver } from "../../src/launcher/VolumeResolver.ts"
import { sample } from "../launcher/TestNode.ts"

const surroundings = Layer.effectContext(
  Effect.sync(() =>
    Context.make(InstanceStore, InstanceStoreMemory.make(InstanceStoreMemory.makeDisk())).pipe(
      Context.add(NodeResources, NodeResourcesFixed.make(Effect.succeed(sample()))),
      Context.add(
        VolumeResolver,
        VolumeResolver.of({
          resolve: ({ id, readOnly }) =>
            Effect.succeed({
              id,
              readOnly: readOnly ?? false,
              source: { _tag: "File", path: `/volumes/${id}.raw`, format: "raw" }
            })
        })
      )
    )
  )
)

const limits = { streamsMax: 8, stallDeadline: Duration.seconds(30), quietAfter: Duration.seconds(15) }

/** A node whose guests are simulated, and what its handlers need. */
export const node = AutoRemove.layer.pipe(
  Layer.provideMerge(Launcher.layer()),
  Layer.provide(surroundings),
  Layer.provideMerge(SimulationVirtualizer.layer({ seed: 1, latencies: "none" })),
  Layer.provideMerge(Streams.layer(limits)),
  Layer.provideMerge(
    Layer.succeed(Doctor, { checks: Effect.succeed([{ name: "qemu", status: "ok" as const, detail: "8.2" }]) })
  ),
  Layer.provideMerge(Operations.layer),
  Layer.provideMerge(Shutdown.layer(Duration.seconds(5))),
  Layer.provide(NodeCrypto.layerSecureRandom)
)

/** The handlers of a node, for whoever asks. */
export const layer = handlers.pipe(
  Layer.provideMerge([ProblemHandling.layer, AccessControl.layerTrusted("test"), HttpServer.layerServices]),
  Layer.provideMerge(node)
)

/** The typed client, wired to the handlers. */
export const client = HttpApiTest.groups(Api, ["instances", "node", "events", "system"])

/** The spec of a simulated guest. */
export const spec = (
  id: string,
  more: Partial<Omit<InstanceSpec, "name">> & { readonly name?: string } = {}
): InstanceSpec => {
  const { name, ...others } = more
  return InstanceSpec.make({
    id: InstanceId.make(id),
    virtualizer: "simulation",
    boot: { kind: "kernel", kernel: "/kernels/vmlinuz" },
    memory: ByteSize.mebibytes(64),
    ...(name === undefined ? {} : { name: InstanceName.make(name) }),
    ...others
  })
}
