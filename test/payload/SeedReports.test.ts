import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Yaml from "yaml"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { NodeSample } from "../../src/domain/NodeSample.ts"
import { VolumeId } from "../../src/domain/Volume.ts"
import * as SeedReports from "../../src/payload/SeedReports.ts"
import { parse } from "../../src/payload/YamlText.ts"

const nodeId = "67d86208-b46c-4465-9018-e14187d4010"
/** A valid id that a careless reader takes for a number. */
const instanceId = "67e8"

const sample: NodeSample = {
  hostname: "12e3",
  memoryTotalBytes: 4096 * 1024 * 1024 + 1023,
  memoryAvailableBytes: 2 * 1024 * 1024 - 1,
  diskTotalBytes: 500_000_000_000,
  diskAvailableBytes: 1_999_999,
  loadAverage: 3.97,
  cpusOnline: 4,
  descriptorsMax: 1024,
  nics: [
    { name: "eth0", mac: "02:00:15:03:06:49", addresses: ["192.168.1.1", "2001:db8::1"] },
    { name: "eth1", mac: "02:00:8c:ba:f9:45", addresses: ["10.168.1.1"] }
  ]
}

const Instance = Schema.Struct({
  instanceId: InstanceId,
  state: Schema.Literals(["pending", "active", "exited"]),
  sshAddress: Schema.optionalKey(Schema.String),
  sshPort: Schema.Natural,
  memoryBytes: Schema.optionalKey(Schema.Natural),
  diskBytes: Schema.optionalKey(Schema.Natural),
  cpuRatio: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  volumes: Schema.Array(VolumeId)
})

const Read = Schema.Struct({
  instances: Schema.Array(Schema.Struct({
    instance_uuid: Schema.String,
    ssh_ip: Schema.String,
    memory_usage_mb: Schema.Int,
    disk_usage_mb: Schema.Int,
    cpu_usage: Schema.Int,
    volumes: Schema.Array(Schema.String)
  }))
})

describe("SeedReports", () => {
  it.effect("failures name the node, the instance, the reason and what is theirs", () =>
    Effect.sync(() => {
      const reason = "full_cn"
      assert.deepStrictEqual(
        Yaml.parse(SeedReports.startFailure({ nodeId, instanceId, reason, restart: true })),
        { node_uuid: nodeId, instance_uuid: instanceId, reason, restart: true }
      )
      assert.deepStrictEqual(
        Yaml.parse(SeedReports.deleteFailure({ nodeId, instanceId: "", reason: "invalid_data" })),
        { node_uuid: nodeId, instance_uuid: "", reason: "invalid_data" }
      )
      assert.deepStrictEqual(
        Yaml.parse(
          SeedReports.attachVolumeFailure({ nodeId, instanceId, volumeId: "0777", reason: "already_attached" })
        ),
        { node_uuid: nodeId, instance_uuid: instanceId, volume_uuid: "0777", reason: "already_attached" }
      )
    }))

  it.effect("an instance that is gone is under the event's name", () =>
    Effect.sync(() => {
      const instance = { instance_uuid: instanceId }
      assert.deepStrictEqual(Yaml.parse(SeedReports.instanceDeleted(instanceId)), { instance_deleted: instance })
      assert.deepStrictEqual(Yaml.parse(SeedReports.instanceStopped(instanceId)), { instance_stopped: instance })
    }))

  it.effect("statistics have the seed system's names, units and whole numbers", () =>
    Effect.sync(() => {
      const text = SeedReports.statistics({
        nodeId,
        status: "READY",
        sample,
        instances: [
          {
            instanceId,
            state: "active",
            sshAddress: "172.168.2.2",
            sshPort: 35_050,
            memoryBytes: 41 * 1024 * 1024 - 1,
            diskBytes: 2 * 1024 * 1024,
            cpuRatio: 0.29,
            volumes: ["0777"]
          },
          { instanceId: "1f", state: "pending", sshPort: 0, volumes: [] }
        ]
      })
      // As the seed system's reader takes it: version 1.1, in which 02:00:15:03:06:49 is a number when nothing says otherwise.
      assert.deepStrictEqual(Yaml.parse(text, { version: "1.1" }), {
        node_uuid: nodeId,
        status: "READY",
        mem_total_mb: 4096,
        mem_available_mb: 1,
        disk_total_mb: 500_000,
        disk_available_mb: 1,
        load: 3,
        cpus_online: 4,
        hostname: "12e3",
        networks: [
          { ip: "192.168.1.1", mac: "02:00:15:03:06:49" },
          { ip: "2001:db8::1", mac: "02:00:15:03:06:49" },
          { ip: "10.168.1.1", mac: "02:00:8c:ba:f9:45" }
        ],
        instances: [
          {
            instance_uuid: instanceId,
            state: "active",
            ssh_ip: "172.168.2.2",
            ssh_port: 35_050,
            memory_usage_mb: 40,
            disk_usage_mb: 2,
            cpu_usage: 29,
            volumes: ["0777"]
          },
          {
            instance_uuid: "1f",
            state: "pending",
            ssh_ip: "",
            ssh_port: 0,
            memory_usage_mb: -1,
            disk_usage_mb: -1,
            cpu_usage: -1,
            volumes: []
          }
        ]
      })
    }))

  it.effect("what is not known of a node is −1", () =>
    Effect.sync(() => {
      assert.deepStrictEqual(Yaml.parse(SeedReports.statistics({ nodeId, status: "MAINTENANCE", instances: [] })), {
        node_uuid: nodeId,
        status: "MAINTENANCE",
        mem_total_mb: -1,
        mem_available_mb: -1,
        disk_total_mb: -1,
        disk_available_mb: -1,
        load: -1,
        cpus_online: -1,
        hostname: "",
        networks: [],
        instances: []
      })
    }))

  it.effect.prop(
    "every id comes back as it was, and −1 where and only where a value is not known",
    { instances: Schema.Array(Instance), sample: NodeSample },
    ({ instances, sample }) =>
      Effect.gen(function*() {
        const text = SeedReports.statistics({ nodeId, status: "FULL", sample, instances })
        const [tree] = yield* parse(text)
        const read = yield* Schema.decodeUnknownEffect(Schema.toCodecStringTree(Read))(tree)
        assert.deepStrictEqual(
          read.instances.map((one) => ({
            id: one.instance_uuid,
            address: one.ssh_ip,
            volumes: one.volumes,
            known: [one.memory_usage_mb, one.disk_usage_mb, one.cpu_usage].map((value) => value !== -1)
          })),
          instances.map((one) => ({
            id: one.instanceId,
            address: (one.sshAddress ?? "").toWellFormed(),
            volumes: one.volumes,
            known: [one.memoryBytes, one.diskBytes, one.cpuRatio].map((value) => value !== undefined)
          }))
        )
      })
  )

  it.effect("codes that are not the seed system's are not among the reasons", () =>
    Effect.sync(() => {
      assert.isTrue(Schema.is(SeedReports.StartFailureReason)("full_cn"))
      for (const Reason of [SeedReports.StartFailureReason, SeedReports.DeleteFailureReason]) {
        assert.isFalse(Schema.is(Reason)("timed_out"))
      }
    }))
})
