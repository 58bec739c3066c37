/**
 * The console of a simulated guest: a log with a line for each thing that happened to it, and a terminal that echoes.
 */
import { Effect, type Scope, Stream } from "effect"
import { Socket } from "effect/socket"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { GuestConsole } from "../../Virtualizer.ts"
import { fail, NotRunning, NotSupported, type VirtualizerError } from "../../VirtualizerError.ts"
import type { Machine } from "./Machine.ts"
import type { Reach } from "./Reach.ts"

/** The console of an instance's guest, there or not. Holds nothing. */
export const make = (reach: Reach, id: InstanceId): GuestConsole => new SimulatedConsole(reach, id)

const notSupported = fail(new NotSupported({ what: "a console" }))

const encoder = new TextEncoder()

const closed = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) })

class SimulatedConsole implements GuestConsole {
  readonly #reach: Reach
  readonly #id: InstanceId

  constructor(reach: Reach, id: InstanceId) {
    this.#reach = reach
    this.#id = id
  }

  /** What the guest has written since it was launched last, also when it has ended, in lines of text. */
  log({ follow }: { readonly follow: boolean }): Stream.Stream<Uint8Array, VirtualizerError> {
    const { capabilities, fence, host } = this.#reach
    if (!capabilities.console) return Stream.fail(notSupported)
    return Stream.unwrap(fence.act(() => host.place(this.#id)?.log?.read(follow) ?? Stream.empty))
  }

  /** Connects to the guest, which answers what it is told by the same. A second connection is silent until the first is closed. */
  get connect(): Effect.Effect<Socket.Socket, VirtualizerError, Scope.Scope> {
    const { capabilities, fence, host } = this.#reach
    if (!capabilities.console) return Effect.fail(notSupported)
    return Effect.acquireRelease(
      fence.actEffect(() => {
        const machine = host.machine(this.#id)
        return machine === undefined
          ? Effect.fail(fail(new NotRunning()))
          : Effect.succeed(new Connection(machine))
      }),
      (connection) => Effect.sync(() => connection.close())
    ).pipe(Effect.map((connection) => connection.socket))
  }
}

/** A connection to a machine's console. */
class Connection {
  readonly #machine: Machine
  #echo: ReadonlyArray<Uint8Array> = []
  #isClosed = false

  constructor(machine: Machine) {
    this.#machine = machine
    machine.terminals = [...machine.terminals, this]
  }

  close(): void {
    this.#isClosed = true
    this.#machine.terminals = this.#machine.terminals.filter((terminal) => terminal !== this)
    this.#machine.onlookers.changed()
  }

  get #isOver(): boolean {
    return this.#isClosed || !this.#machine.isThere
  }

  get #hasEcho(): boolean {
    const { isFrozen, isPaused, terminals } = this.#machine
    return this.#echo.length > 0 && terminals[0] === this && !isFrozen && !isPaused
  }

  #pull = Effect.suspend(() =>
    Effect.andThen(
      this.#machine.until(() => this.#hasEcho || this.#isOver),
      Effect.suspend(() => {
        const [first, ...rest] = this.#echo
        if (this.#isOver || first === undefined) return Effect.fail(closed)
        this.#echo = []
        return Effect.succeed([first, ...rest] as const)
      })
    )
  )

  #write(chunks: ReadonlyArray<Uint8Array | string | Socket.CloseEvent>): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      if (this.#isOver) return Effect.fail(closed)
      for (const chunk of chunks) {
        if (Socket.isCloseEvent(chunk)) this.close()
        else this.#echo = [...this.#echo, typeof chunk === "string" ? encoder.encode(chunk) : chunk]
      }
      this.#machine.onlookers.changed()
      return Effect.void
    })
  }

  get socket(): Socket.Socket {
    return Socket.make({
      reader: Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => this.close())),
        { pull: this.#pull, upgrade: Socket.SocketUpgradeError.unsupported }
      ),
      writer: Effect.succeed({
        write: (chunk) => this.#write([chunk]),
        writeAll: (chunks) => this.#write(chunks)
      })
    })
  }
}
