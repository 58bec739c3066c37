/**
 * What a node tells of itself.
 */
import { Duration, Effect } from "effect"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceUsage, NodeStatistics, NodeStatus } from "../domain/NodeStatus.ts"
import { sshPort } from "../domain/SshPort.ts"
import type { InstanceStats } from "../domain/Resources.ts"
import type { Admission } from "./Admission.ts"
import type { Instance } from "./Instance.ts"
import type { LauncherNode } from "./LauncherNode.ts"
import { measuredIn, type Sample } from "./Sampler.ts"

/** What reports are made from. */
export interface Reporter {
  readonly node: LauncherNode
  readonly admission: Admission
}

/** How the node is now, by what was measured last. */
const statusOf = ({ admission, node }: Reporter): NodeStatus => {
  const { around, state, store, telemetry, unreadable } = node
  const why = admission.fullness
  const { orphansFound } = telemetry
  return {
    incarnation: store.incarnation,
    condition: state.isInMaintenance
      ? { _tag: "Maintenance" }
      : why === undefined
      ? { _tag: "Ready" }
      : { _tag: "Full", why },
    task: state.task,
    instances: { ...telemetry.counts },
    reserved: around.books.reserved,
    ...(orphansFound === undefined ? {} : { orphans: orphansFound }),
    unreadable: Array.from(unreadable.values())
  }
}

/** How the node is. What was measured for it is no older than `statisticsAge`, unless guests keep it waiting. */
export const status = (reporter: Reporter): Effect.Effect<NodeStatus> => {
  const { config, sampler } = reporter.node
  return Effect.map(sampler.recent(Duration.toMillis(config.statisticsAge)), () => statusOf(reporter))
}

/** What the node has and its instances use, measured now. */
export const statistics = (reporter: Reporter): Effect.Effect<NodeStatistics> => {
  const { registry, sampler } = reporter.node
  return Effect.flatMap(sampler.sample(0), (sample) => {
    const { atMillis, node } = sample
    const status = statusOf(reporter)
    return Effect.map(usages(registry.all, sample), (instances) => ({
      status,
      atMillis,
      ...(node === undefined ? {} : { node }),
      instances
    }))
  })
}

/** How many usages are made up before others have a turn. */
const usagesATurn = 500

const usages = Effect.fnUntraced(function*(instances: ReadonlyArray<Instance>, sample: Sample) {
  const all: Array<InstanceUsage> = []
  let next = usagesATurn
  for (const instance of instances) {
    if (all.length === next) {
      next += usagesATurn
      yield* Effect.yieldNow
    }
    if (instance.published !== undefined) all.push(usageOf(instance.published, measuredIn(instance, sample)))
  }
  return all
})

const unknown: InstanceStats = {}

const usageOf = ({ spec, state, volumes }: InstanceInfo, stats: InstanceStats | undefined): InstanceUsage => {
  const { id, name, networkNode = false, nics: [nic] } = spec
  const address = nic?.concentrator?.address
  const usage: InstanceUsage = {
    id,
    state,
    volumes: volumes.map((volume) => volume.id),
    sshPort: sshPort({ networkNode, address: nic?.address }),
    stats: stats ?? unknown
  }
  return name === undefined && address === undefined ? usage : {
    ...usage,
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { sshAddress: address })
  }
}
