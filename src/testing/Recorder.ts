/**
 * Writes down what happens in a simulation, and what tells one run from another: a hash over all of it.
 */
import type { Violation } from "./Checker.ts"
import type { Entry, Occurrence } from "./History.ts"
import * as OccurrenceText from "./OccurrenceText.ts"

export class Recorder {
  readonly history: Array<Entry> = []
  /** What is wrong that no checker can see. */
  readonly complaints: Array<Violation> = []
  private readonly now: () => number
  private readonly tell: ((line: string) => void) | undefined
  private readonly hashed = new TraceHash()

  constructor(options: {
    readonly nowMillis: () => number
    /** Called with each line of the trace, in words. */
    readonly onLine: ((line: string) => void) | undefined
  }) {
    this.now = options.nowMillis
    this.tell = options.onLine
  }

  /** Something happens now. */
  note(occurrence: Occurrence): void {
    this.history.push({ atMillis: this.now(), ...occurrence })
    this.line(OccurrenceText.format(occurrence))
  }

  /** Something is wrong that is in no history. */
  complain(detail: string): void {
    this.complaints.push({ checker: "simulation", atMillis: this.now(), index: this.history.length, detail })
    this.line(`wrong: ${detail}`)
  }

  /** Something happens that nobody judges, but that the same run does again. */
  line(text: string): void {
    const line = `${this.now()} ${text}`
    this.hashed.add(line)
    this.tell?.(line)
  }

  /** The hash of all so far. */
  get hash(): string {
    return this.hashed.text
  }
}

/** Two hashes of 32 bits side by side (FNV-1a, with different beginnings), over the codes of the characters. */
class TraceHash {
  private high = 0x811c9dc5
  private low = 0x1b873593

  add(line: string): void {
    let { high, low } = this
    for (let index = 0; index < line.length; index++) {
      const code = line.charCodeAt(index)
      high = Math.imul(high ^ code, 0x01000193)
      low = Math.imul(low ^ code, 0x01000197)
    }
    this.high = Math.imul(high ^ 10, 0x01000193)
    this.low = Math.imul(low ^ 10, 0x01000197)
  }

  get text(): string {
    return [this.high, this.low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("")
  }
}
