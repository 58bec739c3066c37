import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as QmpClient from "../../../src/qmp/QmpClient.ts"
import * as QmpCommand from "../../../src/qmp/QmpCommand.ts"
import * as QmpCommands from "../../../src/qmp/QmpCommands.ts"
import { ConnectFailed, fail, isClass } from "../../../src/qmp/QmpError.ts"
import * as QmpTransport from "../../../src/qmp/QmpTransport.ts"

const uuid = "11111111-2222-4333-8444-555555555555"

/** A paused QEMU without a guest, and the transport to it. Gone with the scope. */
const qemu = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "qmp-" })
  const path = `${directory}/s`
  const handle = yield* ChildProcess.make("qemu-system-x86_64", [
    ...["-S", "-accel", "tcg", "-machine", "q35", "-m", "16", "-display", "none", "-nodefaults", "-uuid", uuid],
    ...["-device", "pcie-root-port,id=rp1,chassis=1,slot=1"],
    ...["-qmp", `unix:${path},server=on,wait=off`]
  ], { stdin: "ignore", stdout: "ignore", stderr: "ignore", killSignal: "SIGKILL" })
  return {
    path,
    transport: QmpTransport.unix(path),
    exited: Effect.ignore(handle.exitCode),
    signal: (signal: NodeJS.Signals) => Effect.sync(() => process.kill(handle.pid, signal))
  }
})

const patient = { dialDeadline: "30 seconds", greetingDeadline: "30 seconds" } as const

describe("QmpClient and QEMU", () => {
  it.live("negotiates, and answers what it is and has", () =>
    Effect.gen(function*() {
      const { exited, transport } = yield* qemu
      const client = yield* QmpClient.make(transport, { ...patient, processExited: exited })
      assert.isAtLeast(client.greeting.QMP.version.qemu.major, 7)
      const { execute } = client
      assert.deepStrictEqual(yield* execute(QmpCommands.queryStatus, undefined), {
        status: "prelaunch",
        running: false
      })
      assert.deepStrictEqual(yield* execute(QmpCommands.queryUuid, undefined), { UUID: uuid })
      assert.isFalse((yield* execute(QmpCommands.queryKvm, undefined)).enabled)
      assert.deepStrictEqual(
        (yield* execute(QmpCommands.queryVersion, undefined)).qemu,
        client.greeting.QMP.version.qemu
      )
      assert.isAbove((yield* execute(QmpCommands.queryCpusFast, undefined))[0]["thread-id"], 0)
      assert.include(yield* execute(QmpCommands.qomGet, { path: "/machine", property: "type" }), "q35")
      assert.deepStrictEqual(yield* execute(QmpCommands.queryBlock, undefined), [])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("adds and removes a disk", () =>
    Effect.gen(function*() {
      const { transport } = yield* qemu
      const { execute, subscribe } = yield* QmpClient.make(transport, patient)
      yield* execute(QmpCommands.blockdevAdd, {
        driver: "null-co",
        "node-name": "d",
        size: 1048576,
        "read-zeroes": true
      })
      yield* execute(QmpCommands.deviceAdd, { driver: "virtio-blk-pci", id: "dev", bus: "rp1", drive: "d" })
      const [block] = yield* execute(QmpCommands.queryBlock, undefined)
      assert.include(block?.qdev, "dev")
      assert.strictEqual(block?.inserted?.["node-name"], "d")
      assert.strictEqual(block?.inserted?.image["virtual-size"], 1048576)
      const names = (yield* execute(QmpCommands.qomList, { path: "/machine/peripheral" })).map(({ name }) => name)
      assert.include(names, "dev")
      const inUse = yield* Effect.flip(execute(QmpCommands.blockdevDel, { "node-name": "d" }))
      assert.isTrue(isClass(inUse, "GenericError"))

      const subscription = yield* subscribe
      // No guest runs that would let go of it: a reset does.
      yield* execute(QmpCommands.deviceDel, { id: "dev" })
      yield* execute(QmpCommand.make("system_reset", { arguments: Schema.Void, returns: Schema.Void }), undefined)
      yield* subscription.first((event) => event._tag === "DeviceDeleted" && event.device === "dev").pipe(
        Effect.timeout("30 seconds")
      )
      yield* execute(QmpCommands.blockdevDel, { "node-name": "d" })
      assert.deepStrictEqual(yield* execute(QmpCommands.queryNamedBlockNodes, { flat: true }), [])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("correlates many commands at once, and drops what was interrupted", () =>
    Effect.gen(function*() {
      const { transport } = yield* qemu
      const { execute } = yield* QmpClient.make(transport, patient)
      const types = yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => i),
        (i) =>
          i % 3 === 0
            ? Effect.map(execute(QmpCommands.queryUuid, undefined), ({ UUID }) => UUID)
            : i % 3 === 1
            ? Effect.as(Effect.timeoutOption(execute(QmpCommands.queryUuid, undefined), 0), "dropped")
            : Effect.map(execute(QmpCommands.queryStatus, undefined), ({ status }) => status),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(types, types.map((_, i) => [uuid, "dropped", "prelaunch"][i % 3]))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("fails by class", () =>
    Effect.gen(function*() {
      const { transport } = yield* qemu
      const { execute } = yield* QmpClient.make(transport, patient)
      const missing = yield* Effect.flip(execute(QmpCommands.deviceDel, { id: "nobody" }))
      assert.isTrue(isClass(missing, "DeviceNotFound"))
      const unknown = QmpCommand.make("no-such-command", { arguments: Schema.Void, returns: Schema.Void })
      assert.isTrue(isClass(yield* Effect.flip(execute(unknown, undefined)), "CommandNotFound"))
      const wrong = yield* Effect.flip(execute(QmpCommands.blockdevAdd, { driver: "file", "node-name": "f" }))
      assert.isTrue(isClass(wrong, "GenericError"))
      // A value can not become an option of its own, nor end the line it is on.
      const odd = yield* Effect.flip(execute(QmpCommands.deviceDel, { id: "a\",\n\"b\":{\u2028,c=d" }))
      assert.isTrue(isClass(odd, "DeviceNotFound"))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("tells of what happens", () =>
    Effect.gen(function*() {
      const { exited, transport } = yield* qemu
      const client = yield* QmpClient.make(transport, { ...patient, processExited: exited })
      yield* client.execute(QmpCommands.cont, undefined)
      yield* client.execute(QmpCommands.stop, undefined)
      yield* client.execute(QmpCommands.systemPowerdown, undefined)
      yield* Effect.exit(client.execute(QmpCommands.quit, undefined))
      const events = yield* Stream.runCollect(client.events)
      assert.deepStrictEqual(events.map((event) => event._tag), ["Resume", "Stop", "Powerdown", "Shutdown"])
      const last = events.at(-1)
      assert.isTrue(last?._tag === "Shutdown" && !last.guest && last.reason === "host-qmp-quit")
      assert.include(["Closed", "ProcessExited"], (yield* client.disconnected)._tag)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("finds a stopped QEMU frozen", () =>
    Effect.gen(function*() {
      const { exited, signal, transport } = yield* qemu
      const client = yield* QmpClient.make(transport, { ...patient, processExited: exited, heartbeat: "300 millis" })
      yield* signal("SIGSTOP")
      const failure = yield* Effect.flip(client.execute(QmpCommands.queryStatus, undefined))
      assert.strictEqual(failure.reason._tag === "Disconnected" && failure.reason.cause._tag, "Frozen")
      assert.strictEqual((yield* client.disconnected)._tag, "Frozen")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("fails what waits when QEMU is killed", () =>
    Effect.gen(function*() {
      const { signal, transport } = yield* qemu
      const client = yield* QmpClient.make(transport, patient)
      yield* signal("SIGSTOP")
      const waiting = yield* Effect.forkChild(Effect.flip(client.execute(QmpCommands.queryStatus, undefined)), {
        startImmediately: true
      })
      yield* signal("SIGKILL")
      // A kill with a command unread resets the connection.
      assert.include(["Closed", "Broken"], (yield* client.disconnected)._tag)
      const { reason } = yield* Fiber.join(waiting)
      assert.strictEqual(reason._tag, "Disconnected")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("serves one client at a time, and the next when that has left", () =>
    Effect.gen(function*() {
      const { transport } = yield* qemu
      const first = yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* QmpClient.make(transport, patient)
        const second = yield* Effect.flip(QmpClient.make(transport, { greetingDeadline: "200 millis" }))
        assert.strictEqual(second.reason._tag === "Disconnected" && second.reason.cause._tag, "GreetingMissing")
        yield* client.execute(QmpCommands.queryStatus, undefined)
        return client
      }))
      assert.strictEqual((yield* first.disconnected)._tag, "Local")
      const next = yield* QmpClient.make(transport, patient)
      yield* next.execute(QmpCommands.queryStatus, undefined)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("stops dialling when the process ends first", () =>
    Effect.gen(function*() {
      const handle = yield* ChildProcess.make("qemu-system-x86_64", ["-no-such-option"], { stderr: "ignore" })
      const failure = yield* Effect.flip(
        QmpClient.make(QmpTransport.unix("/nowhere/s"), { ...patient, processExited: Effect.ignore(handle.exitCode) })
      )
      assert.strictEqual(failure.reason._tag === "Disconnected" && failure.reason.cause._tag, "ProcessExited")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("says that nobody listens, and that a path is too long", () =>
    Effect.gen(function*() {
      const nobody = yield* Effect.flip(QmpClient.make(QmpTransport.unix("/nowhere/s")))
      assert.deepStrictEqual(
        nobody,
        fail(new ConnectFailed({ address: "/nowhere/s", code: "ENOENT", detail: "connect ENOENT /nowhere/s" }))
      )
      const long = yield* Effect.flip(QmpClient.make(QmpTransport.unix(`/${"x".repeat(120)}`), patient))
      assert.strictEqual(long.reason._tag, "ConnectFailed")
    }).pipe(Effect.scoped))
})
