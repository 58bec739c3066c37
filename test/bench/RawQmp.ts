/**
 * The least there can be to speak QMP by hand: what our own client is measured against, and what tests ask a QEMU that
 * is not ours with. Commands are sent one at a time. It knows no deadlines.
 */
import { createConnection, type Socket } from "node:net"

interface Message {
  readonly QMP?: object
  readonly return?: unknown
  readonly error?: { readonly class: string; readonly desc: string }
  readonly event?: string
}

/** A negotiated connection. */
export class RawQmp {
  readonly #socket: Socket
  readonly #events = new Map<string, () => void>()
  #text = ""
  #waiting: ((message: Message) => void) | undefined
  #closed: () => void = () => {}
  /** Resolves when QEMU has closed the connection. */
  readonly closed = new Promise<void>((resolve) => {
    this.#closed = resolve
  })

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#text + text).split("\n")
      this.#text = lines.pop() ?? ""
      for (const line of lines) this.#take(JSON.parse(line))
    }).on("error", () => {}).on("close", () => this.#closed())
  }

  #take(message: Message): void {
    if (message.event === undefined) this.#waiting?.(message)
    else this.#events.get(message.event)?.()
  }

  /** Dials a socket every 2 ms until somebody answers, and negotiates. The signal ends the dialling. */
  static async connect(path: string, signal?: AbortSignal): Promise<RawQmp> {
    for (;;) {
      signal?.throwIfAborted()
      const socket = createConnection(path)
      const connected = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
      })
      if (connected) {
        const qmp = new RawQmp(socket)
        await new Promise<Message>((resolve) => {
          qmp.#waiting = resolve
        })
        await qmp.execute("qmp_capabilities")
        return qmp
      }
      socket.destroy()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** Executes a command and answers what it returned. */
  async execute(command: string, args?: object): Promise<unknown> {
    const answer = new Promise<Message>((resolve) => {
      this.#waiting = resolve
    })
    this.#socket.write(JSON.stringify({ execute: command, arguments: args }) + "\n")
    const { error, return: value } = await answer
    if (error !== undefined) throw new Error(`${command}: ${error.class}: ${error.desc}`)
    return value
  }

  /** Resolves when the next event of this name comes. */
  event(name: string): Promise<void> {
    return new Promise((resolve) => this.#events.set(name, resolve))
  }

  close(): void {
    this.#socket.destroy()
  }
}
