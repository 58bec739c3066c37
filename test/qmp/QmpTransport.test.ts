import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FileSystem, Queue, Scope } from "effect"
import * as Net from "node:net"
import * as QmpTransport from "../../src/qmp/QmpTransport.ts"

/** A server on a unix socket: its path, and the sockets of those who come. */
const server = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = `${yield* fs.makeTempDirectoryScoped({ prefix: "qmp-" })}/s`
  const sockets = yield* Queue.unbounded<Net.Socket>()
  const listener = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const listening = Net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => undefined)
        Queue.offerUnsafe(sockets, socket)
      })
      listening.listen(path, () => resume(Effect.succeed(listening)))
    }),
    (listening) => Effect.sync(() => listening.close())
  )
  const accept = Effect.acquireRelease(Queue.take(sockets), (socket) => Effect.sync(() => socket.destroy()))
  return { path, accept, listener }
})

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

/** Waits for the other side to close. */
const leaving = (peer: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    peer.once("end", () => resume(Effect.void))
    peer.resume()
  })

/** Reads until there are so many bytes. */
const readBytes = Effect.fnUntraced(function*(connection: QmpTransport.QmpConnection, count: number) {
  let all = ""
  while (all.length < count) {
    const bytes = yield* connection.read
    if (bytes === undefined) return yield* Effect.die("closed early")
    all += text(bytes)
  }
  return all
})

const live = <E>(body: Effect.Effect<void, E, Scope.Scope | FileSystem.FileSystem>) =>
  body.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("QmpTransport.unix", () => {
  it.live("carries bytes both ways, and the end of the peer's side", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connection = yield* QmpTransport.unix(path).connect
      const peer = yield* accept
      const received = Effect.callback<string>((resume) => {
        peer.once("data", (data) => resume(Effect.succeed(data.toString())))
      })
      connection.send("{\"text\":\"Grüße\"}")
      assert.strictEqual(yield* received, "{\"text\":\"Grüße\"}")
      // Half-closed: what was sent before is still read.
      peer.end("last words")
      assert.strictEqual(yield* readBytes(connection, 10), "last words")
      assert.isUndefined(yield* connection.read)
      assert.isUndefined(yield* connection.read)
      connection.send("into the void")
      connection.close()
      connection.close()
    })))

  it.live("an interrupted read loses nothing", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connection = yield* QmpTransport.unix(path).connect
      const peer = yield* accept
      const reading = yield* Effect.forkChild(connection.read, { startImmediately: true })
      yield* Fiber.interrupt(reading)
      peer.write("kept")
      assert.strictEqual(yield* readBytes(connection, 4), "kept")
    })))

  it.live("does not read ahead of its reader without bound", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connection = yield* QmpTransport.unix(path).connect
      const peer = yield* accept
      const total = 8 * 1024 * 1024
      const flushed = yield* Deferred.make<void>()
      peer.write("x".repeat(total), () => Deferred.doneUnsafe(flushed, Effect.void))
      // Both sides are on this event loop: had it been taken in, the write would be done after as many turns.
      for (let i = 0; i < 500; i++) yield* Effect.yieldNow
      assert.isFalse(Deferred.isDoneUnsafe(flushed))
      assert.lengthOf(yield* readBytes(connection, total), total)
      yield* Deferred.await(flushed)
    })))

  it.live("breaks when the peer does not read what it is sent", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connection = yield* QmpTransport.unix(path).connect
      yield* accept
      const megabyte = "x".repeat(1024 * 1024)
      for (let i = 0; i < 8; i++) connection.send(megabyte)
      assert.include((yield* Effect.flip(connection.read)).detail, "does not read")
    })))

  it.live("breaks when the peer resets the connection", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connection = yield* QmpTransport.unix(path).connect
      const peer = yield* accept
      peer.pause()
      connection.send("unread")
      yield* Effect.callback<void>((resume) => {
        // Closed with bytes unread, a unix socket resets.
        setImmediate(() => {
          peer.destroy()
          resume(Effect.void)
        })
      })
      assert.include((yield* Effect.flip(connection.read)).detail, "ECONNRESET")
    })))

  it.live("closes with its scope", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const scope = yield* Scope.make()
      yield* Scope.provide(QmpTransport.unix(path).connect, scope)
      const peer = yield* accept
      yield* Scope.close(scope, Exit.void)
      yield* leaving(peer)
    })))

  it.live("an interrupted connect leaves no connection", () =>
    live(Effect.gen(function*() {
      const { accept, path } = yield* server
      const connecting = yield* Effect.forkChild(QmpTransport.unix(path).connect, { startImmediately: true })
      yield* Fiber.interrupt(connecting)
      yield* leaving(yield* accept)
    })))

  it.live("fails with the system's code where there is nobody", () =>
    live(Effect.gen(function*() {
      const { path } = yield* server
      const codes = yield* Effect.forEach(
        [`${path}-not`, "/dev/null", `/${"x".repeat(120)}`],
        (where) => Effect.map(Effect.flip(QmpTransport.unix(where).connect), (error) => error.code)
      )
      assert.deepStrictEqual(codes, ["ENOENT", "ECONNREFUSED", "EINVAL"])
    })))
})
