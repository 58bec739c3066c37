/**
 * What containers write: as it is with a TTY, in frames without one.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach (stream format)
 */
import { Effect, Option, Stream } from "effect"
import { Socket } from "effect/socket"
import { type EngineError, fail, InvalidReply } from "./EngineError.ts"

/** Some bytes, and where they were written. With a TTY all are `stdout`. */
export interface Output {
  readonly source: "stdin" | "stdout" | "stderr"
  readonly bytes: Uint8Array
}

const headerBytes = 8

/** The longest frame that is believed: engines write some kilobytes at a time. */
const frameBytesMax = 64 * 1024 * 1024

const sources = ["stdin", "stdout", "stderr"] as const

/** The bytes are not in frames: they may be a TTY's. */
export class NoFrames {
  readonly _tag = "NoFrames"
  readonly detail: string
  constructor(detail: string) {
    this.detail = detail
  }
}

/** Takes frames apart that come in pieces of any size. Keeps at most one header; what a frame holds is passed on as it comes. */
export class Demultiplexer {
  #header = new Uint8Array(headerBytes)
  #headerLength = 0
  #source: Output["source"] = "stdout"
  /** How much of the frame is yet to come. */
  #remaining = 0

  /** Takes the next bytes. Answers what they say, or that they are no frames. */
  push(bytes: Uint8Array): ReadonlyArray<Output> | NoFrames {
    const output: Array<Output> = []
    let at = 0
    while (at < bytes.length) {
      if (this.#remaining > 0) {
        const end = Math.min(bytes.length, at + this.#remaining)
        output.push({ source: this.#source, bytes: bytes.subarray(at, end) })
        this.#remaining -= end - at
        at = end
        continue
      }
      const end = Math.min(bytes.length, at + headerBytes - this.#headerLength)
      this.#header.set(bytes.subarray(at, end), this.#headerLength)
      this.#headerLength += end - at
      at = end
      if (this.#headerLength < headerBytes) break
      this.#headerLength = 0
      const source = sources[this.#header[0] ?? -1]
      const length = new DataView(this.#header.buffer).getUint32(4)
      if (source === undefined || length > frameBytesMax) {
        return new NoFrames(`a frame begins with ${this.#header.join(" ")}`)
      }
      this.#source = source
      this.#remaining = length
    }
    return output
  }

  /** Whether the bytes so far end with a frame. */
  get isWhole(): boolean {
    return this.#remaining === 0 && this.#headerLength === 0
  }
}

/** The output in a reply of `logs`. `tty` is the container's. What was cut off in the middle of a frame is told as far as it goes. */
export const fromBytes = (
  bytes: Stream.Stream<Uint8Array, EngineError>,
  options: { readonly tty: boolean; readonly call: string }
): Stream.Stream<Output, EngineError> => {
  if (options.tty) return Stream.map(bytes, (bytes) => ({ source: "stdout", bytes }))
  return Stream.suspend(() => {
    const frames = new Demultiplexer()
    return Stream.flattenIterable(Stream.mapEffect(bytes, (bytes) => {
      const output = frames.push(bytes)
      return output instanceof NoFrames
        ? Effect.fail(fail(new InvalidReply({ call: options.call, detail: output.detail })))
        : Effect.succeed(output)
    }))
  })
}

/**
 * The output of an upgraded connection. Its end closes the connection; so does ending it here. A connection that breaks ends it
 * too: what the container did is for the engine to say.
 */
export const fromSocket = (
  socket: Socket.Socket,
  options: { readonly tty: boolean; readonly call: string }
): Stream.Stream<Output, EngineError> => fromBytes(bytesOf(socket), options)

const bytesOf = (socket: Socket.Socket): Stream.Stream<Uint8Array, EngineError> =>
  Stream.unwrap(
    Effect.match(Socket.readerBytes(socket), {
      onFailure: () => Stream.empty,
      onSuccess: (pull) =>
        Stream.paginate(undefined, () =>
          Effect.match(pull, {
            onFailure: () => [[], Option.none<undefined>()] as const,
            onSuccess: (chunk) => [chunk, Option.some(undefined)] as const
          }))
    })
  )

/** An upgraded connection whose reader gets what the container wrote, without the frames. */
export const unframed = (socket: Socket.Socket): Socket.Socket =>
  Socket.make({
    writer: socket.writer,
    reader: Effect.map(Socket.readerBytes(socket), (pull) => {
      const frames = new Demultiplexer()
      const next: Effect.Effect<readonly [Uint8Array, ...Array<Uint8Array>], Socket.SocketError> = Effect.flatMap(
        pull,
        (chunk) => {
          const output: Array<Uint8Array> = []
          for (const bytes of chunk) {
            const found = frames.push(bytes)
            if (found instanceof NoFrames) {
              const cause = new Error(found.detail)
              return Effect.fail(new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) }))
            }
            for (const { bytes } of found) output.push(bytes)
          }
          const [first, ...rest] = output
          return first === undefined ? next : Effect.succeed([first, ...rest] as const)
        }
      )
      return { pull: next, upgrade: () => Effect.fail(new Socket.SocketError({ reason: notUpgradable })) }
    })
  })

const notUpgradable = new Socket.SocketReadError({ cause: new Error("a container's output is not upgraded to TLS") })
