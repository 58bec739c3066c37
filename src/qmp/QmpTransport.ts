/**
 * What carries QMP: a connection of bytes. Over a unix socket in earnest, in memory where the peer is scripted.
 */
import { Effect, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { Broken } from "./Disconnect.ts"
import { ConnectFailed } from "./QmpError.ts"

/** A way to a QMP server. */
export interface QmpTransport {
  /** Where it leads, for people. */
  readonly address: string
  /** Connects once. May be interrupted, and then leaves nothing. The scope closes the connection. */
  readonly connect: Effect.Effect<QmpConnection, ConnectFailed, Scope.Scope>
  /**
   * Watches, as long as the scope is open, for what may make it worth dialling again; the answer waits for the next of that.
   * It may be missed: who waits should dial now and then all the same.
   */
  readonly watch?: Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
}

/** A connection. It has one reader. */
export interface QmpConnection {
  /**
   * The next bytes, or `undefined` when the peer closed its side. Nothing is read from the peer beyond a small buffer
   * until this is asked for. May be interrupted; then nothing is lost.
   */
  readonly read: Effect.Effect<Uint8Array | undefined, Broken>
  /** Sends. Does not wait, and does not fail: a connection that can not send breaks, and `read` says so. */
  readonly send: (text: string) => void
  /** Closes both sides at once. Doing so again is no failure. A `read` that waits may wait for ever. */
  readonly close: () => void
}

/** What may wait to be sent to a peer that does not read, beyond the kernel's own buffer. */
const maxUnsentBytes = 4 * 1024 * 1024

const connection = (socket: Net.Socket): QmpConnection => {
  let wake: () => void = () => undefined
  for (const event of ["readable", "end", "error", "close"]) socket.on(event, () => wake())

  const poll = (): Effect.Effect<Uint8Array | undefined, Broken> | undefined => {
    const bytes: Buffer | null = socket.read()
    if (bytes !== null) return Effect.succeed(bytes)
    if (socket.errored !== null) return Effect.fail(new Broken({ detail: socket.errored.message }))
    return socket.readableEnded || socket.destroyed ? Effect.undefined : undefined
  }

  return {
    read: Effect.callback((resume) => {
      wake = () => {
        const result = poll()
        if (result === undefined) return
        wake = () => undefined
        resume(result)
      }
      wake()
      return Effect.sync(() => {
        wake = () => undefined
      })
    }),
    send: (text) => {
      if (socket.writableLength > maxUnsentBytes) socket.destroy(new Error("the peer does not read what it is sent"))
      else if (socket.writable) {
        // What is sent in one go is one system call, and wakes the peer once.
        if (socket.writableCorked === 0) {
          socket.cork()
          queueMicrotask(() => socket.uncork())
        }
        socket.write(text)
      }
    },
    close: () => {
      socket.destroy()
    }
  }
}

/** Whether the socket has just come into being: its server listens right after. */
const watch = (path: string): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> => {
  const name = Path.basename(path)
  return Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        try {
          return Fs.watch(Path.dirname(path), { persistent: false }).on("error", () => undefined)
        } catch {
          // No directory yet, or too many watches on this host: those who wait dial now and then.
          return undefined
        }
      }),
      (watcher) => Effect.sync(() => watcher?.close())
    ),
    (watcher) =>
      Effect.callback<void>((resume) => {
        const listener = (_: string, changed: string | null): void => {
          if (changed === name) resume(Effect.void)
        }
        watcher?.on("change", listener)
        return Effect.sync(() => watcher?.off("change", listener))
      })
  )
}

/** A unix socket, by path. The path is at most 107 bytes long: beyond that `connect` fails. */
export const unix = (path: string): QmpTransport => ({
  address: path,
  watch: watch(path),
  connect: Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const socket = Net.connect({ path })
      const connected = Effect.callback<QmpConnection, ConnectFailed>((resume) => {
        const onError = (error: NodeJS.ErrnoException): void =>
          resume(Effect.fail(new ConnectFailed({ address: path, code: error.code ?? "", detail: error.message })))
        socket.once("error", onError)
        socket.once("connect", () => {
          socket.off("error", onError)
          resume(Effect.succeed(connection(socket)))
        })
      })
      const close = Effect.sync(() => socket.destroy())
      return restore(connected).pipe(
        Effect.onError(() => close),
        Effect.tap(() => Effect.addFinalizer(() => close))
      )
    })
  )
})
