/** A node on which launchers come, crash and go: what survives them, and what does not. */
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Fault from "../../src/backend/simulation/Fault.ts"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import { VolumeId } from "../../src/domain/Volume.ts"
import { Launcher } from "../../src/launcher/Launcher.ts"
import * as SimulatedNode from "../../src/testing/SimulatedNode.ts"
import { Simulator } from "../../src/testing/Simulator.ts"

const id = InstanceId.make("a1")
const spec = InstanceSpec.make({
  id,
  virtualizer: "simulation",
  boot: { kind: "kernel", kernel: "/vmlinuz" },
  memory: ByteSize.mebibytes(64)
})

/** Runs a program on virtual time that passes by itself. */
const simulated = <E>(seed: number, program: Effect.Effect<void, E>) =>
  Effect.sync(() => {
    const exit = new Simulator({ seed }).run(program)
    assert.isTrue(Exit.isSuccess(exit), `seed ${seed}: ${Exit.isFailure(exit) ? exit.cause.toString() : ""}`)
  })

describe("a simulated node", () => {
  it.effect("has an open launcher, for tests on any clock", () =>
    Effect.gen(function*() {
      const launcher = yield* Launcher
      const node = yield* SimulatedNode.SimulatedNode
      const start = yield* Effect.forkChild(launcher.start(spec), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(start)).state._tag, "Running")
      assert.strictEqual(node.host.guests.length, 1)
      assert.strictEqual(node.disk.record(id)?.desired.power, "running")
    }).pipe(Effect.provide(SimulatedNode.layer())))

  it.effect("keeps guests and records when a launcher closes, and when it crashes", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* SimulatedNode.make()
        const first = yield* node.open()
        yield* first.start(spec)
        yield* Effect.sleep(10)
        yield* node.close
        const second = yield* node.open()
        assert.strictEqual(second.incarnation, 2)
        assert.strictEqual((yield* second.get(id)).state._tag, "Running")
        yield* node.crash
        const third = yield* node.open()
        assert.strictEqual((yield* third.get(id)).starts, 1)
        assert.deepStrictEqual(node.host.guests.map(({ pid }) => pid), [1])
        yield* third.delete(id)
        assert.deepStrictEqual(node.host.remains(id), [])
        assert.deepStrictEqual(node.disk.ids, [])
        assert.deepStrictEqual(node.host.violations, [])
      }))
    ))

  it.effect("has one launcher at a time", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* SimulatedNode.make()
        yield* node.open()
        assert.strictEqual((yield* Effect.flip(node.open())).code, "state_failure")
        yield* node.close
        assert.isUndefined(node.fence)
        yield* node.open()
      }))
    ))

  it.effect("lets nothing of a dead launcher through, wherever it dies; the next one goes on", () =>
    Effect.forEach(Array.from({ length: 60 }, (_, seed) => seed), (seed) =>
      simulated(
        seed,
        Effect.scoped(Effect.gen(function*() {
          const node = yield* SimulatedNode.make({ seed })
          const first = yield* node.open()
          const start = yield* Effect.forkChild(Effect.exit(first.start(spec)))
          yield* Effect.sleep(seed * 10)
          const rest = node.crashUnsafe()
          const before = [node.host.remains(id), node.disk.record(id), node.host.guests]
          yield* rest
          // Its start was not taken back: a dead launcher takes nothing back.
          assert.deepStrictEqual([node.host.remains(id), node.disk.record(id), node.host.guests], before)
          yield* Fiber.join(start)
          const second = yield* node.open()
          yield* second.start(spec)
          assert.strictEqual(node.host.guests.length, 1)
          yield* second.delete(id)
          assert.deepStrictEqual([node.host.remains(id), node.disk.ids, node.host.violations], [[], [], []])
        }))
      ), { discard: true }))

  it.effect("answers who waits for a launcher that crashes, also while it is being opened", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* SimulatedNode.make()
        const launcher = yield* node.open()
        yield* launcher.start(spec)
        const stop = yield* Effect.forkChild(Effect.flip(launcher.stop(id)))
        yield* Effect.sleep(1)
        node.host.sever(id)
        yield* node.crash
        assert.strictEqual((yield* Fiber.join(stop)).code, "launcher_closed")
        // It waits for the guest, which does not answer.
        const opening = yield* Effect.forkChild(Effect.flip(node.open()))
        yield* Effect.sleep(1)
        yield* node.crash
        assert.strictEqual((yield* Fiber.join(opening)).code, "launcher_closed")
      }))
    ))

  it.effect("has volumes that can be missing", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* SimulatedNode.make()
        const launcher = yield* node.open()
        const data = VolumeId.make("data")
        node.volumes.missing.add(data)
        yield* launcher.start(spec)
        assert.strictEqual((yield* Effect.flip(launcher.attach(id, { id: data }))).code, "attach_failure")
        node.volumes.missing.delete(data)
        yield* launcher.attach(id, { id: data })
        assert.deepStrictEqual(node.host.guests[0]?.volumes, [data])
      }))
    ))
})

describe("a simulated disk", () => {
  const record = Effect.fnUntraced(function*(faults: Fault.Faults, wait: number, seed: number) {
    const node = yield* SimulatedNode.make({ seed, latencies: "none" })
    const first = yield* node.open()
    yield* first.start(spec)
    yield* Effect.sleep(100)
    node.host.setFaults(faults)
    const stop = yield* Effect.forkChild(Effect.exit(first.stop(id)))
    yield* Effect.sleep(wait)
    yield* node.crash
    yield* Fiber.join(stop)
    node.host.setFaults(Fault.none)
    return node
  })

  it.effect("has a record that was being written when its launcher died before or after, by the seed", () =>
    Effect.gen(function*() {
      const found = new Set<string | undefined>()
      for (let seed = 0; seed < 20; seed++) {
        yield* simulated(
          seed,
          Effect.scoped(Effect.gen(function*() {
            const node = yield* record({ recordSlow: 1 }, 50, seed)
            found.add(node.disk.record(id)?.desired.power)
          }))
        )
      }
      assert.deepStrictEqual([...found].sort((a, b) => `${a}` < `${b}` ? -1 : 1), ["running", "stopped"])
    }))

  it.effect("sets aside what a disk that lies has of it, and leaves its guest alone", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* record({ recordSlow: 1, recordTorn: 1 }, 50, 1)
        assert.isUndefined(node.disk.record(id))
        const launcher = yield* node.open()
        assert.deepStrictEqual(yield* launcher.list, [])
        assert.deepStrictEqual(node.disk.setAside, [{ id, incarnation: 2, path: `/simulated/unreadable/2-${id}.json` }])
        assert.strictEqual(node.host.guests.length, 1)
        assert.strictEqual((yield* Effect.flip(launcher.start(spec))).code, "instance_exists")
        assert.strictEqual(node.host.guests.length, 1)
      }))
    ))

  it.effect("refuses a record that does not follow the one that is there", () =>
    simulated(
      1,
      Effect.scoped(Effect.gen(function*() {
        const node = yield* SimulatedNode.make({
          latencies: "none",
          // Another writer, which writes everything again.
          wrap: (parts) => ({
            ...parts,
            store: {
              ...parts.store,
              put: (record) =>
                Effect.andThen(parts.store.put(record), parts.store.put({ ...record, revision: record.revision }))
            }
          })
        })
        const launcher = yield* node.open()
        assert.strictEqual((yield* Effect.flip(launcher.start(spec))).code, "state_failure")
      }))
    ))
})
