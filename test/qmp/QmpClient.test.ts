import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schema, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  Broken,
  Closed,
  type Disconnect,
  Frozen,
  LineTooLong,
  Malformed,
  ProcessExited
} from "../../src/qmp/Disconnect.ts"
import type * as QmpClient from "../../src/qmp/QmpClient.ts"
import * as QmpCommand from "../../src/qmp/QmpCommand.ts"
import * as QmpCommands from "../../src/qmp/QmpCommands.ts"
import { CommandFailed, DeadlineExceeded, Disconnected, fail, isClass } from "../../src/qmp/QmpError.ts"
import * as ScriptedPeer from "./ScriptedPeer.ts"

const now = { startImmediately: true } as const

const echo = QmpCommand.make("echo", {
  arguments: Schema.Struct({ text: Schema.String }),
  returns: Schema.Struct({ text: Schema.String })
})

const sendEcho = (client: QmpClient.QmpClient, text: string) =>
  Effect.forkChild(Effect.map(client.execute(echo, { text }), (reply) => reply.text), now)

const echoed = (command: ScriptedPeer.Command): string => ScriptedPeer.success(command, command.arguments ?? {})

describe("QmpClient.execute", () => {
  it.effect("gives each its own reply, whatever their order and chunks", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const fibers = yield* Effect.forEach(["a", "b", "c"], (text) => sendEcho(client, text))
      const a = yield* peer.next
      const b = yield* peer.next
      const c = yield* peer.next
      assert.strictEqual(new Set([a.id, b.id, c.id]).size, 3)
      const text = echoed(b) + ScriptedPeer.event("STOP") + "\r\n" + echoed(a)
      peer.say(echoed(c), text.slice(0, 30))
      assert.strictEqual(yield* Fiber.join(fibers[2]), "c")
      peer.say(text.slice(30))
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["a", "b", "c"])
    }))

  it.effect("sends no arguments for a command without", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const fiber = yield* Effect.forkChild(client.execute(QmpCommands.cont, undefined), now)
      const command = yield* peer.next
      assert.isFalse("arguments" in command)
      peer.say(ScriptedPeer.success(command, { surprising: true }))
      assert.isUndefined(yield* Fiber.join(fiber))
    }))

  it.effect("fails with QEMU's class and words", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const fiber = yield* Effect.forkChild(Effect.flip(client.execute(QmpCommands.deviceDel, { id: "v" })), now)
      peer.say(ScriptedPeer.refusal(yield* peer.next, "DeviceNotFound", "Device 'v' not found"))
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        error,
        fail(
          new CommandFailed({
            command: "device_del",
            class: "DeviceNotFound",
            description: "Device 'v' not found"
          })
        )
      )
      assert.isTrue(isClass(error, "DeviceNotFound"))
      assert.isFalse(isClass(error, "GenericError"))
    }))

  it.effect("a reply that does not fit fails that command only", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const odd = yield* Effect.forkChild(Effect.flip(client.execute(echo, { text: "odd" })), now)
      const good = yield* sendEcho(client, "good")
      peer.say(ScriptedPeer.success(yield* peer.next, { text: 1 }), echoed(yield* peer.next))
      assert.strictEqual((yield* Fiber.join(odd)).reason._tag, "InvalidReply")
      assert.strictEqual(yield* Fiber.join(good), "good")
    }))

  it.effect("drops replies that nobody waits for", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const fiber = yield* sendEcho(client, "mine")
      const command = yield* peer.next
      peer.say(
        ScriptedPeer.line({ return: { text: "a former client's" }, id: "1" }),
        ScriptedPeer.line({ return: { text: "nobody's" } }),
        ScriptedPeer.line({ error: { class: "GenericError", desc: "nobody's" } }),
        echoed(command),
        echoed(command)
      )
      assert.strictEqual(yield* Fiber.join(fiber), "mine")
    }))

  it.effect("an interrupted command's reply is dropped, and not given to the next", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const first = yield* sendEcho(client, "first")
      const interrupted = yield* peer.next
      yield* Fiber.interrupt(first)
      const second = yield* sendEcho(client, "second")
      const command = yield* peer.next
      peer.say(echoed(interrupted))
      assert.isUndefined(second.pollUnsafe())
      peer.say(echoed(command))
      assert.strictEqual(yield* Fiber.join(second), "second")
    }))

  it.effect("two clients never use the same id", () =>
    Effect.gen(function*() {
      const [peer1, client1] = yield* ScriptedPeer.negotiated()
      const [peer2, client2] = yield* ScriptedPeer.negotiated()
      yield* sendEcho(client1, "a")
      yield* sendEcho(client2, "a")
      assert.notStrictEqual((yield* peer1.next).id, (yield* peer2.next).id)
    }))

  it.effect("has a deadline, after which the connection stays", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated({ commandDeadline: "2 seconds", heartbeat: "1 hour" })
      const slow = yield* Effect.forkChild(Effect.flip(client.execute(echo, { text: "slow" })), now)
      const slower = yield* Effect.forkChild(client.execute(echo, { text: "slower" }, { deadline: "1 minute" }), now)
      const late = yield* peer.next
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(slow), fail(new DeadlineExceeded({ command: "echo", millis: 2000 })))
      peer.say(echoed(late), echoed(yield* peer.next))
      assert.deepStrictEqual(yield* Fiber.join(slower), { text: "slower" })
    }))
})

describe("QmpClient.disconnected", () => {
  const ends: ReadonlyArray<[string, (peer: ScriptedPeer.ScriptedPeer) => void, Disconnect]> = [
    ["a clean close", (peer) => peer.end(), new Closed()],
    ["a reset", (peer) => peer.break("read ECONNRESET"), new Broken({ detail: "read ECONNRESET" })],
    [
      "a close within a message",
      (peer) => {
        peer.say("{\"retu")
        peer.end()
      },
      new Broken({ detail: "closed within a message" })
    ],
    ["a line too long", (peer) => peer.say("x".repeat(2001)), new LineTooLong({ limitBytes: 2000 })],
    ["a long line that ends", (peer) => peer.say(`"${"x".repeat(2000)}"\n`), new LineTooLong({ limitBytes: 2000 })],
    ["what is not JSON", (peer) => peer.say("{'a': 1}\n"), new Malformed({ detail: "{'a': 1}" })],
    ["what is no object", (peer) => peer.say("null\n"), new Malformed({ detail: "null" })],
    [
      "a second greeting",
      (peer) => peer.greet(),
      new Malformed({ detail: ScriptedPeer.greeting.slice(0, 100) + " …" })
    ],
    ["what is no message", (peer) => peer.say("{\"a\": 1}\n"), new Malformed({ detail: "{\"a\": 1}" })],
    [
      "what is not UTF-8",
      (peer) => peer.write(Uint8Array.of(0x22, 0xc3, 0x28, 0x22, 0x0a)),
      new Malformed({
        detail: "not UTF-8"
      })
    ]
  ]

  it.effect.each(ends)("%s fails all that waits, with the cause", ([, end, cause]) =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated({ maxLineBytes: 2000 })
      const error = fail(new Disconnected({ cause }))
      const subscription = yield* client.subscribe
      const commands = yield* Effect.forEach(["a", "b"], () =>
        Effect.forkChild(Effect.flip(client.execute(QmpCommands.queryStatus, undefined)), now))
      const event = yield* Effect.forkChild(
        Effect.flip(subscription.first(() =>
          true
        )),
        now
      )
      const disconnected = yield* Effect.forkChild(client.disconnected, now)
      end(peer)
      assert.deepStrictEqual(yield* Fiber.join(disconnected), cause)
      assert.deepStrictEqual(yield* Effect.forEach(commands, Fiber.join), [error, error])
      assert.deepStrictEqual(yield* Fiber.join(event), error)
      assert.deepStrictEqual(yield* Effect.flip(client.execute(QmpCommands.queryStatus, undefined)), error)
      assert.deepStrictEqual(yield* Stream.runCollect(client.events), [])
      assert.isTrue(peer.isClosed())
    }))

  it.effect("the first cause counts", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const [peer, client] = yield* Scope.provide(ScriptedPeer.negotiated(), scope)
      peer.end()
      yield* client.disconnected
      yield* Scope.close(scope, Exit.void)
      const error = fail(new Disconnected({ cause: new Closed() }))
      assert.deepStrictEqual(yield* Effect.flip(client.execute(QmpCommands.queryStatus, undefined)), error)
      assert.deepStrictEqual(yield* client.disconnected, new Closed())
    }))

  it.effect("what came before the fault in the same chunk is delivered", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated()
      const first = yield* sendEcho(client, "first")
      const second = yield* Effect.forkChild(Effect.flip(client.execute(echo, { text: "second" })), now)
      const command = yield* peer.next
      peer.say(echoed(command), "garbage\n", echoed(yield* peer.next))
      assert.strictEqual(yield* Fiber.join(first), "first")
      assert.strictEqual((yield* Fiber.join(second)).reason._tag, "Disconnected")
    }))

  it.effect("the end of the process ends every wait, once what it wrote has been read", () =>
    Effect.gen(function*() {
      const exited = yield* Deferred.make<void>()
      const [peer, client] = yield* ScriptedPeer.negotiated({ processExited: Deferred.await(exited) })
      const answered = yield* sendEcho(client, "answered")
      const lost = yield* Effect.forkChild(Effect.flip(client.execute(echo, { text: "lost" })), now)
      yield* Deferred.succeed(exited, undefined)
      peer.say(echoed(yield* peer.next), ScriptedPeer.event("SHUTDOWN", { guest: true, reason: "guest-shutdown" }))
      peer.end()
      assert.deepStrictEqual(yield* client.disconnected, new ProcessExited())
      assert.strictEqual(yield* Fiber.join(answered), "answered")
      assert.deepStrictEqual(yield* Fiber.join(lost), fail(new Disconnected({ cause: new ProcessExited() })))
      assert.lengthOf(yield* Stream.runCollect(client.events), 1)
    }))

  it.effect("the end of the process counts also when something else holds its socket open", () =>
    Effect.gen(function*() {
      const exited = yield* Deferred.make<void>()
      const [, client] = yield* ScriptedPeer.negotiated({ processExited: Deferred.await(exited) })
      const waiting = yield* Effect.forkChild(Effect.flip(client.execute(QmpCommands.quit, undefined)), now)
      yield* Deferred.succeed(exited, undefined)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), fail(new Disconnected({ cause: new ProcessExited() })))
    }))
})

describe("QmpClient's heartbeat", () => {
  it.effect("finds a frozen peer, and ends all that waits", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated({ heartbeat: "5 seconds" })
      yield* TestClock.adjust("5 seconds")
      peer.say(ScriptedPeer.success(yield* peer.next))
      const stuck = yield* Effect.forkChild(Effect.flip(client.execute(QmpCommands.stop, undefined)), now)
      yield* peer.next
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* peer.next).execute, "query-name")
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(stuck.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* client.disconnected, new Frozen({ millis: 5000 }))
      assert.deepStrictEqual(yield* Fiber.join(stuck), fail(new Disconnected({ cause: new Frozen({ millis: 5000 }) })))
      assert.isTrue(peer.isClosed())
    }))

  it.effect("takes any answer for life, and goes on for ever", () =>
    Effect.gen(function*() {
      const [peer, client] = yield* ScriptedPeer.negotiated({ heartbeat: "5 seconds" })
      for (let i = 0; i < 100; i++) {
        yield* TestClock.adjust("5 seconds")
        const beat = yield* peer.next
        yield* TestClock.adjust("4 seconds")
        peer.say(ScriptedPeer.refusal(beat, "CommandNotFound", "unknown"))
      }
      const disconnected = yield* Effect.forkChild(client.disconnected, now)
      assert.isUndefined(disconnected.pollUnsafe())
      assert.strictEqual(peer.waiting(), 0)
    }))
})
