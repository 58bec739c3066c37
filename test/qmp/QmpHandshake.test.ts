import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Closed, Frozen, GreetingMissing, LineTooLong, ProcessExited } from "../../src/qmp/Disconnect.ts"
import * as QmpClient from "../../src/qmp/QmpClient.ts"
import * as QmpCommands from "../../src/qmp/QmpCommands.ts"
import { ConnectFailed, Disconnected, fail } from "../../src/qmp/QmpError.ts"
import type { QmpTransport } from "../../src/qmp/QmpTransport.ts"
import * as ScriptedPeer from "./ScriptedPeer.ts"

const dialling = Effect.fnUntraced(function*(options?: QmpClient.Options) {
  const peer = yield* ScriptedPeer.make
  const making = yield* Effect.forkScoped(Effect.flip(QmpClient.make(peer.transport, options)), {
    startImmediately: true
  })
  return [peer, making] as const
})

const refusing = (code: string) => {
  let attempts = 0
  const transport: QmpTransport = {
    address: "nobody",
    connect: Effect.suspend(() => {
      attempts++
      return Effect.fail(new ConnectFailed({ address: "nobody", code, detail: code }))
    })
  }
  return { transport, attempts: () => attempts }
}

describe("QmpClient.make", () => {
  it.effect("greets, negotiates, and tells who greeted", () =>
    Effect.gen(function*() {
      const peer = yield* ScriptedPeer.make
      const making = yield* Effect.forkScoped(QmpClient.make(peer.transport), { startImmediately: true })
      assert.strictEqual(peer.waiting(), 0, "nothing is sent before the greeting")
      peer.greet()
      const command = yield* peer.next
      assert.strictEqual(command.execute, "qmp_capabilities")
      peer.say(ScriptedPeer.success(command))
      const client = yield* Fiber.join(making)
      assert.strictEqual(client.greeting.QMP.version.qemu.major, 7)
    }))

  it.effect("takes a greeting in single bytes", () =>
    Effect.gen(function*() {
      const peer = yield* ScriptedPeer.make
      const making = yield* Effect.forkScoped(QmpClient.make(peer.transport), { startImmediately: true })
      const text = ScriptedPeer.line({
        QMP: { version: { qemu: { micro: 0, minor: 1, major: 9 }, package: "Grüße, 世界" }, capabilities: [] }
      })
      for (const byte of new TextEncoder().encode(text)) peer.write(Uint8Array.of(byte))
      peer.say(ScriptedPeer.success(yield* peer.next))
      const client = yield* Fiber.join(making)
      assert.strictEqual(client.greeting.QMP.version.package, "Grüße, 世界")
    }))

  it.effect("gives up on a peer that does not greet, and closes", () =>
    Effect.gen(function*() {
      const [peer, making] = yield* dialling({ greetingDeadline: "3 seconds" })
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(making.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(
        yield* Fiber.join(making),
        fail(new Disconnected({ cause: new GreetingMissing({ millis: 3000 }) }))
      )
      assert.isTrue(peer.isClosed())
    }))

  it.effect("gives up on a peer that greets and does not negotiate", () =>
    Effect.gen(function*() {
      const [peer, making] = yield* dialling({ greetingDeadline: "3 seconds" })
      peer.greet()
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.join(making), fail(new Disconnected({ cause: new Frozen({ millis: 3000 }) })))
      assert.isTrue(peer.isClosed())
    }))

  it.effect.each(["SSH-2.0-OpenSSH_9.2\r\n", "{\"hello\": 1}\n", "\xff\xfe\n", "[]\n", ScriptedPeer.event("STOP")])(
    "refuses what greets with %j",
    (text) =>
      Effect.gen(function*() {
        const [peer, making] = yield* dialling()
        peer.write(Uint8Array.from(text, (character) => character.charCodeAt(0)))
        const { reason } = yield* Fiber.join(making)
        assert.strictEqual(reason._tag === "Disconnected" && reason.cause._tag, "GreetingInvalid")
        assert.isTrue(peer.isClosed())
      })
  )

  it.effect("refuses a greeting without an end", () =>
    Effect.gen(function*() {
      const [peer, making] = yield* dialling({ maxLineBytes: 1000 })
      for (let i = 0; i < 11; i++) peer.say("x".repeat(100))
      assert.deepStrictEqual(
        yield* Fiber.join(making),
        fail(new Disconnected({ cause: new LineTooLong({ limitBytes: 1000 }) }))
      )
    }))

  it.effect("says so when the peer closes instead of greeting, or refuses to negotiate", () =>
    Effect.gen(function*() {
      const [leaving, left] = yield* dialling()
      leaving.end()
      assert.deepStrictEqual(yield* Fiber.join(left), fail(new Disconnected({ cause: new Closed() })))
      const [refusing, refused] = yield* dialling()
      refusing.greet()
      refusing.say(ScriptedPeer.refusal(yield* refusing.next, "GenericError", "no"))
      const { reason } = yield* Fiber.join(refused)
      assert.strictEqual(reason._tag, "CommandFailed")
      assert.isTrue(refusing.isClosed())
    }))

  it.effect("ends with the process, greeted or not", () =>
    Effect.gen(function*() {
      const exited = yield* Deferred.make<void>()
      const [peer, making] = yield* dialling({ processExited: Deferred.await(exited) })
      yield* Deferred.succeed(exited, undefined)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* Fiber.join(making), fail(new Disconnected({ cause: new ProcessExited() })))
      assert.isTrue(peer.isClosed())
    }))

  it.effect("fails at once where nobody listens, unless told to go on dialling", () =>
    Effect.gen(function*() {
      const once = refusing("ENOENT")
      const error = yield* Effect.flip(QmpClient.make(once.transport))
      assert.strictEqual(error.reason._tag === "ConnectFailed" && error.reason.code, "ENOENT")
      assert.strictEqual(once.attempts(), 1)

      const patient = refusing("ECONNREFUSED")
      const dial = yield* Effect.forkScoped(
        Effect.flip(QmpClient.make(patient.transport, { dialDeadline: "1 second" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(dial.pollUnsafe())
      assert.isAbove(patient.attempts(), 400)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual((yield* Fiber.join(dial)).reason._tag, "ConnectFailed")

      const forbidden = refusing("EACCES")
      yield* Effect.flip(QmpClient.make(forbidden.transport, { dialDeadline: "1 second" }))
      assert.strictEqual(forbidden.attempts(), 1)
    }))

  it.effect("stops dialling when the process ends", () =>
    Effect.gen(function*() {
      const exited = yield* Deferred.make<void>()
      const { transport } = refusing("ENOENT")
      const dial = yield* Effect.forkScoped(
        Effect.flip(QmpClient.make(transport, { dialDeadline: "1 minute", processExited: Deferred.await(exited) })),
        { startImmediately: true }
      )
      yield* Deferred.succeed(exited, undefined)
      assert.deepStrictEqual(yield* Fiber.join(dial), fail(new Disconnected({ cause: new ProcessExited() })))
    }))

  it.effect("interrupted half-way, closes the connection at once", () =>
    Effect.gen(function*() {
      const [silent, waiting] = yield* dialling()
      yield* Fiber.interrupt(waiting)
      assert.isTrue(silent.isClosed())
      const [greeting, negotiating] = yield* dialling()
      greeting.greet()
      yield* greeting.next
      yield* Fiber.interrupt(negotiating)
      assert.isTrue(greeting.isClosed())
    }))

  it.effect("a greeting that comes when we have left does nothing", () =>
    Effect.gen(function*() {
      const peer = yield* ScriptedPeer.make
      const scope = yield* Scope.make()
      const making = yield* Effect.forkChild(Scope.provide(Effect.exit(QmpClient.make(peer.transport)), scope), {
        startImmediately: true
      })
      yield* Scope.close(scope, Exit.void)
      peer.greet()
      const exit = yield* Fiber.join(making)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(peer.waiting(), 0)
    }))

  it.effect("the connection closes with the scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const [peer, client] = yield* Scope.provide(ScriptedPeer.negotiated(), scope)
      const command = yield* Effect.forkChild(Effect.flip(client.execute(QmpCommands.queryStatus, undefined)), {
        startImmediately: true
      })
      yield* peer.next
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(peer.isClosed())
      assert.strictEqual((yield* client.disconnected)._tag, "Local")
      const { reason } = yield* Fiber.join(command)
      assert.strictEqual(reason._tag === "Disconnected" && reason.cause._tag, "Local")
      const late = yield* Effect.flip(client.execute(QmpCommands.queryStatus, undefined))
      assert.strictEqual(late.reason._tag, "Disconnected")
    }))
})
