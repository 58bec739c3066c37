/**
 * What one simulated guest has written on its console: a line for each thing that happened to it.
 */
import { type Cause, Effect, Queue, Stream } from "effect"

/** Lines, from the last to the first: each costs what it holds and no more. */
interface Line {
  readonly uptimeMillis: number
  readonly text: string
  readonly before: Line | undefined
}

type Follower = Queue.Queue<Line, Cause.Done>

const encoder = new TextEncoder()

const encode = ({ text, uptimeMillis }: Line): Uint8Array =>
  encoder.encode(`[${(uptimeMillis / 1000).toFixed(3)}] ${text}\n`)

export class ConsoleLog {
  #last: Line | undefined
  #followers: ReadonlyArray<Follower> | undefined
  #isOver = false

  /** Writes a line, with the time since the guest was launched. */
  write(uptimeMillis: number, text: string): void {
    const line: Line = { uptimeMillis, text, before: this.#last }
    this.#last = line
    for (const follower of this.#followers ?? []) Queue.offerUnsafe(follower, line)
  }

  /** The guest ended: nothing is written any more. */
  end(): void {
    this.#isOver = true
    for (const follower of this.#followers ?? []) Queue.endUnsafe(follower)
    this.#followers = undefined
  }

  /** What has been written, and with `follow` what is written until the end. */
  read(follow: boolean): Stream.Stream<Uint8Array> {
    return Stream.map(
      Stream.suspend(() => follow && !this.#isOver ? this.#follow : Stream.fromIterable(this.#lines)),
      encode
    )
  }

  get #lines(): ReadonlyArray<Line> {
    const lines: Array<Line> = []
    for (let line = this.#last; line !== undefined; line = line.before) lines.push(line)
    return lines.toReversed()
  }

  get #follow(): Stream.Stream<Line> {
    const follow = Effect.acquireRelease(
      Effect.map(Queue.unbounded<Line, Cause.Done>(), (follower) => {
        Queue.offerAllUnsafe(follower, this.#lines)
        if (this.#isOver) Queue.endUnsafe(follower)
        else this.#followers = [...this.#followers ?? [], follower]
        return follower
      }),
      (follower) =>
        Effect.sync(() => {
          this.#followers = this.#followers?.filter((one) => one !== follower)
        })
    )
    return Stream.unwrap(Effect.map(follow, (follower) => Stream.fromQueue(follower)))
  }
}
