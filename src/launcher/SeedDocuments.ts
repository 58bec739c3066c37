/**
 * What came of commands, and how the node is, as the YAML documents that the seed system's controller reads. `nodeId` is the
 * node's name there.
 *
 * Its documents have fewer reasons than a command has codes. A code without a word of its own becomes the nearest one. Where it
 * says that what was asked for goes on, there is no document: the controller would do elsewhere what is still being done here.
 */
import { Option } from "effect"
import { seedState } from "../domain/InstanceState.ts"
import type { NodeCondition, NodeStatistics } from "../domain/NodeStatus.ts"
import * as SeedReports from "../payload/SeedReports.ts"
import type { Removal } from "./Removals.ts"
import type { CommandCode, CommandFailure, Deleted } from "./SeedBorder.ts"
import type { StartCode, StartFailure } from "./StartBorder.ts"

const idOf = (id: Option.Option<string>): string => Option.getOrElse(id, () => "")

const startReason = (code: StartCode): SeedReports.StartFailureReason | undefined => {
  switch (code) {
    case "timed_out":
    case "launcher_closed":
      return undefined
    case "not_supported":
      return "invalid_data"
    case "no_instance":
    case "superseded":
    case "state_failure":
      return "launch_failure"
    default:
      return code
  }
}

/** `ErrorStartFailure`. Absent where the start goes on. */
export const startFailure = (nodeId: string, { code, id, restart }: StartFailure): string | undefined => {
  const reason = startReason(code)
  return reason && SeedReports.startFailure({ nodeId, instanceId: idOf(id), reason, restart })
}

const deleteReason = (code: CommandCode): SeedReports.DeleteFailureReason | undefined => {
  switch (code) {
    case "no_instance":
    case "invalid_payload":
    case "invalid_data":
      return code
    default:
      return undefined
  }
}

/** `ErrorDeleteFailure`. Absent where the instance is there still and the document has no word for why. */
export const deleteFailure = (nodeId: string, { code, id }: CommandFailure): string | undefined => {
  const reason = deleteReason(code)
  return reason && SeedReports.deleteFailure({ nodeId, instanceId: idOf(id), reason })
}

const attachReason = (code: CommandCode): SeedReports.AttachVolumeFailureReason | undefined => {
  switch (code) {
    case "timed_out":
    case "launcher_closed":
      return undefined
    case "invalid_payload":
    case "invalid_data":
    case "no_instance":
    case "attach_failure":
    case "already_attached":
    case "state_failure":
    case "not_supported":
      return code
    default:
      return "instance_failure"
  }
}

/** `ErrorAttachVolumeFailure`. Absent where the attaching goes on. */
export const attachVolumeFailure = (nodeId: string, { code, id, volume }: CommandFailure): string | undefined => {
  const reason = attachReason(code)
  return reason &&
    SeedReports.attachVolumeFailure({ nodeId, instanceId: idOf(id), volumeId: idOf(volume), reason })
}

/** `EventInstanceDeleted`, or `EventInstanceStopped`. */
export const deleted = ({ id, isStop }: Deleted): string =>
  isStop ? SeedReports.instanceStopped(id) : SeedReports.instanceDeleted(id)

/** `EventInstanceStopped`, of an instance that an evacuation removed. Absent where it could not be, and of what is none. */
export const evacuated = ({ failure, name, what }: Removal): string | undefined =>
  what === "instance" && failure === undefined ? SeedReports.instanceStopped(name) : undefined

/** The seed system's word for how a node is. */
const nodeStatus: Readonly<Record<NodeCondition["_tag"], SeedReports.NodeStatus>> = {
  Ready: "READY",
  Full: "FULL",
  Maintenance: "MAINTENANCE"
}

/** `Stat`. */
export const statistics = (nodeId: string, { instances, node, status }: NodeStatistics): string =>
  SeedReports.statistics({
    nodeId,
    status: nodeStatus[status.condition._tag],
    sample: node,
    instances: instances.map(({ id, sshAddress, sshPort, state, stats, volumes }) => ({
      instanceId: id,
      state: seedState(state),
      sshAddress,
      sshPort,
      memoryBytes: stats.memoryBytes,
      diskBytes: stats.diskAllocatedBytes,
      cpuRatio: stats.cpuRatio,
      volumes
    }))
  })
