import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Yaml from "yaml"
import type { NodeCondition } from "../../src/domain/NodeStatus.ts"
import { Launcher } from "../../src/launcher/Launcher.ts"
import { Code } from "../../src/launcher/LauncherError.ts"
import * as SeedBorder from "../../src/launcher/SeedBorder.ts"
import * as SeedDocuments from "../../src/launcher/SeedDocuments.ts"
import * as StartBorder from "../../src/launcher/StartBorder.ts"
import * as NativeSpec from "../../src/payload/NativeSpec.ts"
import * as SeedReports from "../../src/payload/SeedReports.ts"
import { AttachFailed } from "../../src/VirtualizerError.ts"
import { vm } from "../payload/startPayloads.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { id, sample, settle, TestNode, volume } from "./TestNode.ts"

const nodeId = "4cb19522-1e18-439a-883a-f9b2a3a95f5e"
const instance = "d7d86208-b46c-4465-9018-ee14087d415f"
const loud = instance.toUpperCase()
const data = "67d86208-b46c-4465-0000-fe14087d415f"

const deletePayload = (stop: boolean) =>
  `---\ndelete:\n  instance_uuid: ${loud}\n  workload_agent_uuid: ${nodeId}\n  stop: ${stop}\n...\n`
const attachPayload = `attach_volume:\n  instance_uuid: ${loud}\n  volume_uuid: ${data.toUpperCase()}\n`

/** Runs a test on a node that is spoken to in the seed system's documents. */
const spoken = <A, E>(
  test: (node: TestNode, launcher: Launcher["Service"]) => Effect.Effect<A, E, Launcher>,
  node = new TestNode()
) => Effect.flatMap(node.launcher(), (launcher) => Effect.provideService(test(node, launcher), Launcher, launcher))

/** A document, as the seed system's reader takes it. */
const read = (document: string | undefined): unknown => document && Yaml.parse(document, { version: "1.1" })

describe("START", () => {
  it.effect("of an instance that runs finds it in any case, and where only defaults are left out", () =>
    spoken(Effect.fnUntraced(function*(_, launcher) {
      const efi = vm.replace("fw_type: legacy", "fw_type: efi")
      yield* StartBorder.start(efi)
      for (
        const payload of [
          efi.replace(instance, loud),
          efi.replace("  fw_type: efi\n", "").replace("  vm_type: qemu\n", ""),
          efi.replace("      boot_index: 0\n      ephemeral: false\n", "").replace("id: DATA-1", "id: data-1")
        ]
      ) {
        const failure = yield* Effect.flip(StartBorder.start(payload))
        assert.strictEqual(failure.code, "already_running")
        assert.deepStrictEqual(read(SeedDocuments.startFailure(nodeId, failure)), {
          node_uuid: nodeId,
          instance_uuid: instance,
          reason: "already_running",
          restart: false
        })
      }
      const other = yield* Effect.flip(StartBorder.start(vm))
      assert.strictEqual(other.code, "instance_exists")
      assert.lengthOf(yield* launcher.list, 1)
    })))

  it.effect("in the native words is the same instance where only defaults are left out", () =>
    spoken(Effect.fnUntraced(function*(_, launcher) {
      const least = "id: 67e8\nmemory: 64 MiB\nboot: { kind: kernel, kernel: /vmlinuz }\n"
      const whole = `${least}vcpus: 1\nvirtualizer: qemu\nfirmware: legacy\nvolumes: []\nnics: []\nlabels: {}\n` +
        "restart: never\nstopGrace: 10 seconds\n"
      const first = yield* launcher.start(yield* NativeSpec.decode(least))
      assert.deepStrictEqual(yield* launcher.start(yield* NativeSpec.decode(whole)), first)
    })))

  it.effect("that can not be read names no instance", () =>
    spoken(Effect.fnUntraced(function*() {
      const failure = yield* Effect.flip(StartBorder.start("start: ["))
      assert.deepInclude(read(SeedDocuments.startFailure(nodeId, failure)), {
        instance_uuid: "",
        reason: "invalid_payload"
      })
    })))
})

describe("delete", () => {
  for (const [isStop, event] of [[false, "instance_deleted"], [true, "instance_stopped"]] as const) {
    it.effect(`${isStop ? "with" : "without"} stop removes the instance, and says ${event}`, () =>
      spoken(Effect.fnUntraced(function*(node, launcher) {
        yield* StartBorder.start(vm)
        const gone = yield* SeedBorder.delete(deletePayload(isStop))
        assert.deepStrictEqual(read(SeedDocuments.deleted(gone)), { [event]: { instance_uuid: instance } })
        assert.deepStrictEqual(yield* launcher.list, [])
        assert.isTrue(node.world.isClean(id(instance)))
      })))
  }

  it.effect("of what is not there, and what can not be read, is a failure", () =>
    spoken(Effect.fnUntraced(function*() {
      for (
        const [payload, instance_uuid, reason] of [
          [deletePayload(true), instance, "no_instance"],
          ["delete: [", "", "invalid_payload"],
          ["delete:\n  instance_uuid: x/y\n", "", "invalid_data"]
        ] as const
      ) {
        const failure = yield* Effect.flip(SeedBorder.delete(payload))
        assert.deepStrictEqual(read(SeedDocuments.deleteFailure(nodeId, failure)), {
          node_uuid: nodeId,
          instance_uuid,
          reason
        })
      }
    })))
})

describe("attach_volume", () => {
  it.effect("gives the instance the volume", () =>
    spoken(Effect.fnUntraced(function*(node) {
      yield* StartBorder.start(vm)
      yield* SeedBorder.attachVolume(attachPayload)
      assert.isTrue(node.world.machine(id(instance))?.volumes.has(volume(data)))
    })))

  it.effect("says why it could not", () =>
    spoken(Effect.fnUntraced(function*(node) {
      const refused = Effect.map(
        Effect.flip(SeedBorder.attachVolume(attachPayload)),
        (failure) => read(SeedDocuments.attachVolumeFailure(nodeId, failure))
      )
      const said = (reason: string) => ({ node_uuid: nodeId, instance_uuid: instance, volume_uuid: data, reason })
      assert.deepStrictEqual(yield* refused, said("no_instance"))
      yield* StartBorder.start(vm)
      node.world.next("attach", failing(new AttachFailed({ volume: volume(data), detail: "scripted" })))
      assert.deepStrictEqual(yield* refused, said("attach_failure"))
      // Until its guest has been looked at, it may have it.
      yield* settle
      const other = vm.replace(instance, "67e8").replace("69e84267-ed01-4738-b15f-b47de06b62e7", data).replace(
        "DATA-1",
        "b"
      )
      yield* StartBorder.start(other)
      assert.deepStrictEqual(yield* refused, said("already_attached"))
      assert.deepInclude(
        read(
          SeedDocuments.attachVolumeFailure(
            nodeId,
            yield* Effect.flip(SeedBorder.attachVolume("attach_volume:\n  instance_uuid: 67e8\n"))
          )
        ),
        { instance_uuid: "", volume_uuid: "", reason: "invalid_data" }
      )
    })))
})

describe("evacuate and restore", () => {
  it.effect("stop everything and tell what is gone, refuse starts meanwhile, and put the node back", () =>
    spoken(Effect.fnUntraced(function*(_, launcher) {
      const status = Effect.map(launcher.statistics, (statistics) => read(SeedDocuments.statistics(nodeId, statistics)))
      yield* StartBorder.start(vm)
      assert.deepInclude(yield* status, { status: "READY" })
      const removals = yield* Stream.runCollect(SeedBorder.evacuate(`evacuate:\n  workload_agent_uuid: ${nodeId}\n`))
      assert.deepStrictEqual(removals.map((removal) => read(SeedDocuments.evacuated(removal))), [
        { instance_stopped: { instance_uuid: instance } }
      ])
      assert.deepInclude(yield* status, { status: "MAINTENANCE", instances: [] })
      const failure = yield* Effect.flip(StartBorder.start(vm))
      assert.deepInclude(read(SeedDocuments.startFailure(nodeId, failure)), { reason: "node_maintenance" })
      yield* SeedBorder.restore("restore:\n")
      assert.deepInclude(yield* status, { status: "READY" })
      yield* StartBorder.start(vm)
    })))

  it.effect("that can not be read change nothing", () =>
    spoken(Effect.fnUntraced(function*(_, launcher) {
      yield* StartBorder.start(vm)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(SeedBorder.evacuate("restore:\n")))).code, "invalid_data")
      assert.strictEqual((yield* Effect.flip(SeedBorder.restore("evacuate:\n"))).code, "invalid_data")
      assert.deepStrictEqual((yield* launcher.status).condition, { _tag: "Ready" })
    })))
})

describe("statistics", () => {
  it.effect("of a node say what the seed system's controller reads", () =>
    spoken(
      Effect.fnUntraced(function*(_, launcher) {
        yield* StartBorder.start(vm)
        yield* launcher.start(
          yield* NativeSpec.decode("id: 67e8\nmemory: 64 MiB\nboot: { kind: kernel, kernel: /vmlinuz }\n")
        )
        yield* launcher.stop(id("67e8"))
        yield* TestClock.adjust("1 second")
        const document = read(SeedDocuments.statistics(nodeId, yield* launcher.statistics))
        assert.deepStrictEqual(document, {
          node_uuid: nodeId,
          status: "READY",
          mem_total_mb: 16_384,
          mem_available_mb: 16_384,
          disk_total_mb: 100_000,
          disk_available_mb: 100_000,
          load: 0,
          cpus_online: 4,
          hostname: "node",
          networks: [{ ip: "192.168.1.1", mac: "02:00:15:03:06:49" }],
          instances: [
            {
              instance_uuid: "67e8",
              state: "exited",
              ssh_ip: "",
              ssh_port: 0,
              memory_usage_mb: -1,
              disk_usage_mb: -1,
              cpu_usage: -1,
              volumes: []
            },
            {
              instance_uuid: instance,
              state: "active",
              ssh_ip: "192.168.42.21",
              ssh_port: 35_050,
              memory_usage_mb: 0,
              disk_usage_mb: -1,
              cpu_usage: -1,
              volumes: ["69e84267-ed01-4738-b15f-b47de06b62e7", "data-1"]
            }
          ]
        })
      }),
      Object.assign(new TestNode(), {
        sample: Effect.succeed(
          sample({ nics: [{ name: "eth0", mac: "02:00:15:03:06:49", addresses: ["192.168.1.1"] }] })
        )
      })
    ))

  it.effect("say how the node is in the seed system's words", () =>
    spoken(Effect.fnUntraced(function*(_, launcher) {
      const { status, ...rest } = yield* launcher.statistics
      const words = (condition: NodeCondition) =>
        SeedDocuments.statistics(nodeId, { ...rest, status: { ...status, condition } })
      assert.deepInclude(read(words({ _tag: "Ready" })), { status: "READY" })
      assert.deepInclude(read(words({ _tag: "Full", why: "no memory" })), { status: "FULL" })
      assert.deepInclude(read(words({ _tag: "Maintenance" })), { status: "MAINTENANCE" })
    })))
})

describe("documents", () => {
  it("have a word for every code, or none where nothing is over", () => {
    const failure = (code: SeedBorder.CommandCode) =>
      new SeedBorder.CommandFailure({ code, id: Option.none(), volume: Option.none(), message: "" })
    const goesOn = ["timed_out", "launcher_closed"]
    for (const code of StartBorder.StartCode.literals) {
      const document = SeedDocuments.startFailure(
        nodeId,
        new StartBorder.StartFailure({ code, id: Option.none(), restart: true, message: "" })
      )
      assert.strictEqual(document === undefined, goesOn.includes(code), code)
      if (document !== undefined) {
        const { reason, restart } = Yaml.parse(document)
        assert.isTrue(Schema.is(SeedReports.StartFailureReason)(reason), code)
        assert.isTrue(restart)
      }
    }
    for (const code of [...Code.literals, "invalid_data", "invalid_payload"] as const) {
      const document = SeedDocuments.attachVolumeFailure(nodeId, failure(code))
      assert.strictEqual(document === undefined, goesOn.includes(code), code)
      if (document !== undefined) {
        assert.isTrue(Schema.is(SeedReports.AttachVolumeFailureReason)(Yaml.parse(document).reason), code)
      }
      assert.strictEqual(
        SeedDocuments.deleteFailure(nodeId, failure(code)) !== undefined,
        Schema.is(SeedReports.DeleteFailureReason)(code),
        code
      )
    }
  })
})
