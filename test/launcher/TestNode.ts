/** A node whose launchers come and go, on one disk and one world. */
import { ByteSize, Context, Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import type { NodeSample } from "../../src/domain/NodeSample.ts"
import { type VolumeId, VolumeId as VolumeIdSchema } from "../../src/domain/Volume.ts"
import { InstanceStore } from "../../src/launcher/InstanceStore.ts"
import * as InstanceStoreMemory from "../../src/launcher/InstanceStoreMemory.ts"
import * as Launcher from "../../src/launcher/Launcher.ts"
import { LauncherConfig } from "../../src/launcher/LauncherConfig.ts"
import type { LauncherError } from "../../src/launcher/LauncherError.ts"
import { NodeResources, type NodeResourcesError } from "../../src/launcher/NodeResources.ts"
import * as NodeResourcesFixed from "../../src/launcher/NodeResourcesFixed.ts"
import { VolumeResolver, VolumeUnresolved } from "../../src/launcher/VolumeResolver.ts"
import { type Virtualizer, Virtualizers } from "../../src/Virtualizer.ts"
import * as ScriptedVirtualizer from "./ScriptedVirtualizer.ts"

export const id = (text: string): InstanceId => InstanceId.make(text)
export const volume = (text: string): VolumeId => VolumeIdSchema.make(text)

/** A spec that boots a kernel. */
export const spec = (
  text: string,
  more: Partial<Parameters<typeof InstanceSpec.make>[0]> = {}
): InstanceSpec =>
  InstanceSpec.make({
    id: id(text),
    boot: { kind: "kernel", kernel: "/vmlinuz" },
    memory: ByteSize.mebibytes(64),
    ...more
  })

/** What a node has: 16 GiB, 100 GB, four processors, unless it says otherwise. */
export const sample = (more: Partial<NodeSample> = {}): NodeSample => ({
  hostname: "node",
  memoryTotalBytes: 16 * 2 ** 30,
  memoryAvailableBytes: 16 * 2 ** 30,
  diskTotalBytes: 100e9,
  diskAvailableBytes: 100e9,
  loadAverage: 0,
  cpusOnline: 4,
  descriptorsMax: 10_000,
  nics: [],
  ...more
})

export class TestNode {
  readonly disk = InstanceStoreMemory.makeDisk()
  readonly world = new ScriptedVirtualizer.World()
  /** Volumes that can not be found. */
  readonly missing = new Set<VolumeId>()
  /** Changes the store of the launchers to come. */
  wrapStore: (store: InstanceStore["Service"]) => InstanceStore["Service"] = (store) => store
  /** What the node has. */
  sample: Effect.Effect<NodeSample, NodeResourcesError> = Effect.succeed(sample())
  virtualizers: ReadonlyArray<Virtualizer> = [ScriptedVirtualizer.make(this.world)]

  /** A launcher in the scope at hand. */
  launcher(config: Partial<LauncherConfig> = {}) {
    const services = Context.make(InstanceStore, this.wrapStore(InstanceStoreMemory.make(this.disk))).pipe(
      Context.add(Virtualizers, new Map(this.virtualizers.map((one) => [one.name, one]))),
      Context.add(NodeResources, NodeResourcesFixed.make(Effect.suspend(() => this.sample))),
      Context.add(
        VolumeResolver,
        VolumeResolver.of({
          resolve: ({ id, readOnly }) =>
            this.missing.has(id)
              ? Effect.fail(new VolumeUnresolved({ volume: id, detail: "it is not there" }))
              : Effect.succeed({
                id,
                readOnly: readOnly ?? false,
                source: { _tag: "File", path: `/volumes/${id}.raw`, format: "raw" }
              })
        })
      )
    )
    return Effect.provideContext(Launcher.make(LauncherConfig.make(config)), services)
  }

  /** A launcher with a scope of its own, closed by `close`. */
  open(config: Partial<LauncherConfig> = {}) {
    return Effect.gen({ self: this }, function*() {
      const scope = yield* Scope.make()
      const launcher = yield* Scope.provide(this.launcher(config), scope)
      return { launcher, close: Scope.close(scope, Exit.void) }
    })
  }

  /** Leaves guests that run, and that no record explains. */
  leave(...specs: ReadonlyArray<InstanceSpec>) {
    return Effect.gen({ self: this }, function*() {
      const { close, launcher } = yield* this.open()
      for (const spec of specs) yield* launcher.start(spec)
      yield* close
      this.disk.records.clear()
    })
  }
}

/** Forks what runs beside the test. */
export const beside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Lets every fiber go on as far as it can without time passing. */
export const settle = TestClock.adjust(0)

/** The tag of the reason that a command fails with. */
export const reasonOf = <A>(effect: Effect.Effect<A, LauncherError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)
