import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { InstanceInfo } from "../../src/domain/InstanceInfo.ts"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import * as Limits from "../../src/launcher/Limits.ts"
import { NodeResourcesError } from "../../src/launcher/NodeResources.ts"
import { LaunchFailed } from "../../src/VirtualizerError.ts"
import { failing } from "./ScriptedVirtualizer.ts"
import { beside, id, sample, settle, spec, TestNode } from "./TestNode.ts"

const gib = 2 ** 30
const memory = (mebibytes: number) => ({ memory: ByteSize.mebibytes(mebibytes) })

/** What instances hold, by their states: what is at rest needs no memory and no processors. */
const summed = (infos: ReadonlyArray<InstanceInfo>) => {
  const sum = { memoryBytes: 0, vcpus: 0, diskBytes: 0 }
  for (const { spec, state } of infos) {
    if (spec.boot.kind === "image") sum.diskBytes += Number(spec.boot.size ?? 0)
    if (["Stopped", "Exited", "Failed"].includes(state._tag)) continue
    sum.memoryBytes += Number(spec.memory)
    sum.vcpus += spec.vcpus
  }
  return sum
}

const isBalanced = (launcher: Launcher["Service"]) =>
  Effect.gen(function*() {
    const { reserved } = yield* launcher.status
    assert.deepStrictEqual(reserved, summed(yield* launcher.list))
    return reserved
  })

const refusal = (launcher: Launcher["Service"], asked: ReturnType<typeof spec>) =>
  Effect.map(Effect.flip(launcher.start(asked)), ({ code, message }) => ({ code, message }))

describe("a node at its limits", () => {
  it.effect("refuses an instance whose memory would leave too little, and says so", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.succeed(sample({ memoryTotalBytes: 4 * gib, memoryAvailableBytes: 2 * gib }))
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", memory(1_024)))
      const { code, message } = yield* refusal(launcher, spec("b2", memory(1_024)))
      assert.strictEqual(code, "full_cn")
      assert.strictEqual(
        message,
        "instance b2 does not fit on this node: it has 1024 MiB of memory left, this one needs 1024 MiB, and keeps 82 MiB: " +
          "start it elsewhere, or stop others first"
      )
      assert.lengthOf(yield* launcher.list, 1)
      assert.isTrue(node.world.isClean(id("b2")))
      assert.strictEqual((yield* launcher.start(spec("b2", memory(512)))).state._tag, "Running")
    }))

  it.effect("refuses what starts again too, and takes it when there is room", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.succeed(sample({ memoryTotalBytes: 2 * gib, memoryAvailableBytes: 2 * gib }))
      const launcher = yield* node.launcher()
      yield* launcher.start(spec("a1", memory(1_024)))
      yield* launcher.stop(id("a1"))
      yield* launcher.start(spec("b2", memory(1_024)))
      assert.strictEqual((yield* refusal(launcher, spec("a1", memory(1_024)))).code, "full_cn")
      assert.strictEqual((yield* Effect.flip(launcher.restart(id("a1")))).code, "full_cn")
      assert.strictEqual((yield* launcher.get(id("a1"))).state._tag, "Stopped")
      yield* launcher.delete(id("b2"))
      assert.strictEqual((yield* launcher.start(spec("a1", memory(1_024)))).state._tag, "Running")
    }))

  it.effect("counts what is being started, so that two who come at once do not both get the last room", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.succeed(sample({ memoryTotalBytes: 2 * gib, memoryAvailableBytes: 2 * gib }))
      const launcher = yield* node.launcher()
      const asked = yield* Effect.forEach(
        ["a1", "b2", "c3"],
        (text) => beside(Effect.exit(launcher.start(spec(text, memory(1_024)))))
      )
      const exits = yield* Fiber.joinAll(asked)
      assert.lengthOf(exits.filter(({ _tag }) => _tag === "Success"), 1)
    }))

  it.effect("counts the vCPUs, the disks and the descriptors", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.succeed(sample({ cpusOnline: 1, diskAvailableBytes: 20e9, descriptorsMax: 19 }))
      const launcher = yield* node.launcher()
      const image = (gigabytes: number) => ({
        boot: { kind: "image", path: "/i", format: "raw", size: ByteSize.gigabytes(gigabytes) } as const
      })
      assert.include((yield* refusal(launcher, spec("a1", { vcpus: 17 }))).message, "vCPUs, this one needs 17")
      assert.include((yield* refusal(launcher, spec("a1", image(19)))).message, "of disk left")
      yield* launcher.start(spec("a1", image(10)))
      assert.include((yield* refusal(launcher, spec("b2", image(10)))).message, "of disk left")
      yield* launcher.start(spec("b2"))
      yield* launcher.start(spec("c3"))
      assert.include((yield* refusal(launcher, spec("d4"))).message, "it has 3 instances, and may have 3")
    }))

  it.effect("has limits that are switched off, but for the descriptors'", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const little = { memoryAvailableBytes: 0, diskAvailableBytes: 0, cpusOnline: 1, descriptorsMax: 5 }
      node.sample = Effect.succeed(sample(little))
      const launcher = yield* node.launcher({ limits: Limits.none })
      yield* launcher.start(spec("a1", { vcpus: 1_000, ...memory(1_024) }))
      assert.strictEqual((yield* refusal(launcher, spec("b2"))).code, "full_cn")
    }))

  it.effect("has the seed system's marks, where they are chosen", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const had = { memoryTotalBytes: 64 * gib, memoryAvailableBytes: 1_600 * 2 ** 20, diskAvailableBytes: 90e9 }
      node.sample = Effect.suspend(() => Effect.succeed(sample(had)))
      const launcher = yield* node.launcher({ limits: Limits.seed })
      assert.strictEqual((yield* launcher.status).condition._tag, "Ready")
      assert.strictEqual((yield* refusal(launcher, spec("a1", memory(1_100)))).code, "full_cn")
      yield* launcher.start(spec("a1", memory(700)))
      const { condition } = yield* launcher.status
      assert.strictEqual(condition._tag, "Full")
      had.diskAvailableBytes = 79e9
      yield* launcher.delete(id("a1"))
      yield* TestClock.adjust("1 minute")
      assert.include(JSON.stringify((yield* launcher.status).condition), "of disk left")
    }))

  it.effect("gives back what its guests were measured to use, and counts what others use", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      let others = 0
      // Each guest touches what the scripted world says: one byte. The others take the rest.
      node.sample = Effect.sync(() =>
        sample({ memoryTotalBytes: 4 * gib, memoryAvailableBytes: 4 * gib - others - node.world.strays.length })
      )
      const launcher = yield* node.launcher({ limits: { ...Limits.none, memory: { fullBelow: 0, refuseBelow: 0 } } })
      yield* launcher.start(spec("a1", memory(2_048)))
      yield* TestClock.adjust("1 minute")
      yield* launcher.status
      yield* launcher.start(spec("b2", memory(2_048)))
      yield* launcher.delete(id("b2"))
      others = 1 * gib
      yield* TestClock.adjust("1 minute")
      yield* launcher.status
      assert.strictEqual((yield* refusal(launcher, spec("b2", memory(1_025)))).code, "full_cn")
      yield* launcher.start(spec("b2", memory(1_024)))
    }))

  it.effect("admits by its books alone where what it has can not be told", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      node.sample = Effect.fail(new NodeResourcesError({ message: "no /proc" }))
      const launcher = yield* node.launcher()
      assert.strictEqual((yield* launcher.start(spec("a1", memory(1_024)))).state._tag, "Running")
      assert.deepStrictEqual((yield* launcher.status).condition, { _tag: "Ready" })
      assert.isUndefined((yield* launcher.statistics).node)
    }))
})

describe("what instances hold", () => {
  it.effect("is the sum over them, through their lives", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const launcher = yield* node.launcher()
      const boot = { kind: "image", path: "/i", format: "raw", size: ByteSize.gigabytes(1) } as const
      assert.deepStrictEqual(yield* isBalanced(launcher), { memoryBytes: 0, vcpus: 0, diskBytes: 0 })
      yield* launcher.start(spec("a1", { vcpus: 2, boot, restart: "on-failure" }))
      yield* launcher.start(spec("b2", { vcpus: 3 }))
      assert.strictEqual((yield* isBalanced(launcher)).vcpus, 5)
      yield* launcher.pause(id("b2"))
      yield* isBalanced(launcher)
      // What is to be started again keeps its place.
      node.world.exit(id("a1"), { _tag: "Panicked" })
      yield* settle
      assert.strictEqual((yield* launcher.get(id("a1"))).state._tag, "Restarting")
      assert.strictEqual((yield* isBalanced(launcher)).vcpus, 5)
      yield* TestClock.adjust("1 second")
      node.world.exit(id("a1"), { _tag: "PoweredOff" })
      yield* settle
      assert.deepStrictEqual(yield* isBalanced(launcher), { memoryBytes: 64 * 2 ** 20, vcpus: 3, diskBytes: 1e9 })
      yield* launcher.delete(id("b2"))
      yield* launcher.delete(id("a1"))
      assert.deepStrictEqual(yield* isBalanced(launcher), { memoryBytes: 0, vcpus: 0, diskBytes: 0 })
    }))

  it.effect("is given back by a start that fails, also when nobody waits for it any more", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      yield* Effect.flip(first.launcher.start(spec("a1")))
      assert.deepStrictEqual((yield* first.launcher.get(id("a1"))).state._tag, "Failed")
      assert.strictEqual((yield* isBalanced(first.launcher)).memoryBytes, 0)
      // The caller is gone with its launcher; the next one goes on, and fails.
      const gate = node.world.hold("image")
      yield* beside(Effect.exit(first.launcher.start(spec("b2"))))
      yield* gate.reached
      yield* first.close
      node.world.next("launch", failing(new LaunchFailed({ detail: "no" })))
      const launcher = yield* node.launcher()
      yield* settle
      assert.deepInclude((yield* launcher.get(id("b2"))).state, {
        _tag: "Failed",
        phase: "launch",
        reason: "launch_failure"
      })
      assert.strictEqual((yield* isBalanced(launcher)).memoryBytes, 0)
    }))

  it.effect("is taken by the next launcher without asking, and a stop cut short keeps it", () =>
    Effect.gen(function*() {
      const node = new TestNode()
      const first = yield* node.open()
      yield* first.launcher.start(spec("a1"))
      yield* first.close
      node.sample = Effect.succeed(sample({ memoryAvailableBytes: 0 }))
      const launcher = yield* node.launcher()
      assert.strictEqual((yield* isBalanced(launcher)).memoryBytes, 64 * 2 ** 20)
      assert.strictEqual((yield* launcher.get(id("a1"))).state._tag, "Running")
      assert.strictEqual((yield* launcher.status).condition._tag, "Full")
    }))
})
