/**
 * A guest's serial console: what it wrote, and a connection to it.
 */
import * as Net from "node:net"
import { Duplex } from "node:stream"
import { Duration, Effect, Option, type Scope, Stream } from "effect"
import { Socket } from "effect/socket"
import type { GuestConsole } from "../../Virtualizer.ts"
import { fail, NotRunning, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as GuestFile from "./GuestFile.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"
import * as QemuProcess from "./QemuProcess.ts"

const chunkBytes = 65_536

/** How often a log that is followed is looked at. */
const lookAgainAfter = Duration.millis(100)

/** The console of a guest, there or not. Holds nothing open. */
export class QemuConsole implements GuestConsole {
  readonly #directory: QemuDirectory
  readonly #signature: QemuProcess.Signature

  constructor(directory: QemuDirectory, signature: QemuProcess.Signature) {
    this.#directory = directory
    this.#signature = signature
  }

  /**
   * What the guest has written since it was launched last, also when it has ended. With `follow`, then what it goes on to
   * write, at most 100 ms later; the stream ends with the guest. Fails with `HostFailure`.
   */
  log(options: { readonly follow: boolean }): Stream.Stream<Uint8Array, VirtualizerError> {
    const path = this.#directory.consoleLog
    return Stream.unwrap(Effect.map(
      options.follow ? QemuProcess.find(this.#signature) : Effect.undefined,
      (identity) =>
        Stream.paginate(0, (offset) =>
          Effect.gen(function*() {
            // Looked at before the log is, so that its last words are read.
            const isAlive = identity !== undefined && QemuProcess.isAlive(identity)
            const bytes = yield* GuestFile.read(path, offset, chunkBytes)
            if (bytes !== undefined && bytes.length > 0) return [[bytes], Option.some(offset + bytes.length)] as const
            if (!isAlive) return [[], Option.none<number>()] as const
            yield* Effect.sleep(lookAgainAfter)
            return [[], Option.some(offset)] as const
          }))
    ))
  }

  /**
   * Connects to the console. QEMU serves one connection; another one is silent until the first is closed. The scope closes
   * it, and so does the reader's. Fails with `NotRunning` or `Unreachable`.
   */
  get connect(): Effect.Effect<Socket.Socket, VirtualizerError, Scope.Scope> {
    return Effect.acquireRelease(
      dial(this.#directory.consoleSocket),
      (connection) => Effect.sync(() => connection.destroy())
    ).pipe(
      Effect.flatMap((connection) => {
        const { readable, writable } = Duplex.toWeb(connection)
        return Socket.fromTransformStream(Effect.succeed({ readable, writable }))
      }),
      Effect.withSpan("QemuConsole.connect")
    )
  }
}

const dial = (path: string): Effect.Effect<Net.Socket, VirtualizerError> =>
  Effect.callback((resume) => {
    const connection = Net.createConnection({ path })
    connection.once("connect", () => resume(Effect.succeed(connection)))
    connection.on("error", (error: NodeJS.ErrnoException) => {
      const isNobodyThere = error.code === "ENOENT" || error.code === "ECONNREFUSED"
      resume(Effect.fail(fail(isNobodyThere ? new NotRunning() : new Unreachable({ detail: error.message }))))
    })
    return Effect.sync(() => connection.destroy())
  })
