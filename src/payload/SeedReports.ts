/**
 * What a node tells the seed system's controller, as the YAML documents that it reads.
 */
import { Schema } from "effect"
import type { seedState } from "../domain/InstanceState.ts"
import type { NodeSample } from "../domain/NodeSample.ts"
import * as YamlDocument from "./YamlDocument.ts"

/** Why an instance did not start, as `ErrorStartFailure` says it. */
export const StartFailureReason = Schema.Literals([
  "invalid_payload",
  "invalid_data",
  "full_cn",
  "node_maintenance",
  "already_running",
  "instance_exists",
  "image_failure",
  "network_failure",
  "launch_failure"
])

export type StartFailureReason = typeof StartFailureReason.Type

/** Why an instance was not deleted, as `ErrorDeleteFailure` says it. */
export const DeleteFailureReason = Schema.Literals(["no_instance", "invalid_payload", "invalid_data"])

export type DeleteFailureReason = typeof DeleteFailureReason.Type

/** Why a volume was not attached, as `ErrorAttachVolumeFailure` says it. */
export const AttachVolumeFailureReason = Schema.Literals([
  "no_instance",
  "invalid_payload",
  "invalid_data",
  "attach_failure",
  "already_attached",
  "state_failure",
  "instance_failure",
  "not_supported"
])

export type AttachVolumeFailureReason = typeof AttachVolumeFailureReason.Type

/** Which command failed. An id that the command's payload did not tell is empty. */
interface Failed {
  readonly nodeId: string
  readonly instanceId: string
}

/** `ErrorStartFailure`. `restart` repeats the payload's. */
export const startFailure = (
  { instanceId, nodeId, reason, restart }: Failed & {
    readonly reason: StartFailureReason
    readonly restart: boolean
  }
): string => YamlDocument.encode({ node_uuid: nodeId, instance_uuid: instanceId, reason, restart })

/** `ErrorDeleteFailure`. */
export const deleteFailure = (
  { instanceId, nodeId, reason }: Failed & { readonly reason: DeleteFailureReason }
): string => YamlDocument.encode({ node_uuid: nodeId, instance_uuid: instanceId, reason })

/** `ErrorAttachVolumeFailure`. */
export const attachVolumeFailure = (
  { instanceId, nodeId, reason, volumeId }: Failed & {
    readonly volumeId: string
    readonly reason: AttachVolumeFailureReason
  }
): string => YamlDocument.encode({ node_uuid: nodeId, instance_uuid: instanceId, volume_uuid: volumeId, reason })

/** `EventInstanceDeleted`: the instance is gone from the node. */
export const instanceDeleted = (instanceId: string): string =>
  YamlDocument.encode({ instance_deleted: { instance_uuid: instanceId } })

/** `EventInstanceStopped`: the instance is gone from the node, and may be started on another. */
export const instanceStopped = (instanceId: string): string =>
  YamlDocument.encode({ instance_stopped: { instance_uuid: instanceId } })

/** What a node says of its readiness to take instances. */
export const NodeStatus = Schema.Literals(["READY", "FULL", "MAINTENANCE"])

export type NodeStatus = typeof NodeStatus.Type

/** What is told of one instance. What is absent is not known. */
export interface InstanceStatistics {
  readonly instanceId: string
  readonly state: ReturnType<typeof seedState>
  /** The address and port that lead to the instance's SSH: those of its concentrator. Absent and 0 where none do. */
  readonly sshAddress?: string | undefined
  readonly sshPort: number
  readonly memoryBytes?: number | undefined
  readonly diskBytes?: number | undefined
  /** 1 is all of its processors busy. */
  readonly cpuRatio?: number | undefined
  readonly volumes: ReadonlyArray<string>
}

/** What is told of a node. A sample that is absent is not known. */
export interface Statistics {
  readonly nodeId: string
  readonly status: NodeStatus
  readonly sample?: NodeSample | undefined
  readonly instances: ReadonlyArray<InstanceStatistics>
}

const mebibyteBytes = 1024 * 1024
const megabyteBytes = 1_000_000

/** Whole units, rounded down; −1 for what is not known. */
const whole = (value: number | undefined, unit = 1): number => value === undefined ? -1 : Math.floor(value / unit)

const instance = (
  { cpuRatio, diskBytes, instanceId, memoryBytes, sshAddress, sshPort, state, volumes }: InstanceStatistics
) => ({
  instance_uuid: instanceId,
  state,
  ssh_ip: sshAddress ?? "",
  ssh_port: sshPort,
  memory_usage_mb: whole(memoryBytes, mebibyteBytes),
  disk_usage_mb: whole(diskBytes, mebibyteBytes),
  cpu_usage: cpuRatio === undefined ? -1 : Math.round(100 * cpuRatio),
  volumes
})

/**
 * `Stat`. As in the seed system, memory and the instances' disks are in MiB, the node's disk in MB of 1,000,000 bytes, the load
 * is a whole number, and an instance's CPU usage is in per cent of all its vCPUs. An interface is told once for each address.
 */
export const statistics = ({ instances, nodeId, sample, status }: Statistics): string =>
  YamlDocument.encode({
    node_uuid: nodeId,
    status,
    mem_total_mb: whole(sample?.memoryTotalBytes, mebibyteBytes),
    mem_available_mb: whole(sample?.memoryAvailableBytes, mebibyteBytes),
    disk_total_mb: whole(sample?.diskTotalBytes, megabyteBytes),
    disk_available_mb: whole(sample?.diskAvailableBytes, megabyteBytes),
    load: whole(sample?.loadAverage),
    cpus_online: whole(sample?.cpusOnline),
    hostname: sample?.hostname ?? "",
    networks: sample?.nics.flatMap(({ addresses, mac }) => addresses.map((ip) => ({ ip, mac }))) ?? [],
    instances: instances.map(instance)
  })
