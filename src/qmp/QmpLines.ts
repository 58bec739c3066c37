/**
 * Bytes into lines.
 */
import { type Disconnect, LineTooLong, Malformed } from "./Disconnect.ts"

const newline = 0x0a

/** Collects bytes into lines. */
export interface QmpLines {
  /**
   * Takes bytes and calls `onLine` for each line they complete, blank ones left out, until it answers a reason to end
   * the connection. Answers that reason, or its own: a line that is too long, or not UTF-8.
   */
  readonly push: (bytes: Uint8Array, onLine: (line: string) => Disconnect | undefined) => Disconnect | undefined
  /** Whether the bytes so far end within a line. */
  readonly isPartial: () => boolean
}

/** Lines of at most `limitBytes`, which bounds what is kept. */
export const make = (limitBytes: number): QmpLines => {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let partial = new Uint8Array(0)
  let partialBytes = 0

  // Room doubles, so that a line in many pieces costs neither an object nor a copy of the whole for each.
  const keep = (piece: Uint8Array): void => {
    if (partialBytes + piece.length > partial.length) {
      const larger = new Uint8Array(Math.max(256, 2 * (partialBytes + piece.length)))
      larger.set(partial.subarray(0, partialBytes))
      partial = larger
    }
    partial.set(piece, partialBytes)
    partialBytes += piece.length
  }

  const complete = (piece: Uint8Array): string | Malformed => {
    let line = piece
    if (partialBytes > 0) {
      keep(piece)
      line = partial.subarray(0, partialBytes)
      partial = new Uint8Array(0)
      partialBytes = 0
    }
    try {
      return decoder.decode(line)
    } catch {
      return new Malformed({ detail: "not UTF-8" })
    }
  }

  return {
    isPartial: () => partialBytes > 0,
    push: (bytes, onLine) => {
      let start = 0
      while (start < bytes.length) {
        const end = bytes.indexOf(newline, start)
        const piece = bytes.subarray(start, end < 0 ? bytes.length : end)
        if (partialBytes + piece.length > limitBytes) return new LineTooLong({ limitBytes })
        if (end < 0) {
          keep(piece)
          return undefined
        }
        start = end + 1
        const line = complete(piece)
        if (typeof line !== "string") return line
        const reason = line.trim() === "" ? undefined : onLine(line)
        if (reason !== undefined) return reason
      }
      return undefined
    }
  }
}
