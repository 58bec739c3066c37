/**
 * What one simulated guest has written on its console: a line for each thing that happened to it.
 */
import { type Cause, Effect, Queue, Stream } from "effect"

type Followers = Array<Queue.Queue<string, Cause.Done>>

const encoder = new TextEncoder()

export class ConsoleLog {
  readonly #lines: Array<string> = []
  #followers: Followers | undefined
  #isOver = false

  /** Writes a line, with the time since the guest was launched. */
  write(uptimeMillis: number, text: string): void {
    const line = `[${(uptimeMillis / 1000).toFixed(3)}] ${text}\n`
    this.#lines.push(line)
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
    return Stream.suspend(() => {
      const written = Stream.fromIterable(Array.from(this.#lines))
      return (follow && !this.#isOver ? Stream.concat(written, this.#follow(this.#lines.length)) : written)
    }).pipe(Stream.map((line) => encoder.encode(line)))
  }

  #follow(from: number): Stream.Stream<string> {
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const follower = yield* Queue.unbounded<string, Cause.Done>()
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const line of this.#lines.slice(from)) Queue.offerUnsafe(follower, line)
          if (this.#isOver) Queue.endUnsafe(follower)
          else (this.#followers ??= []).push(follower)
        }),
        () =>
          Effect.sync(() => {
            this.#followers = this.#followers?.filter((one) => one !== follower)
          })
      )
      return Stream.fromQueue(follower)
    }))
  }
}
