/**
 * Who sleeps until when: a binary heap, so that a sleep among n others costs log n steps to begin, to end and to cancel.
 *
 * The order is that of time, and at one time that of registration. Who is taken out is gone at once: the heap is never
 * larger than the number of those who sleep.
 */

/** One sleep, as {@link Sleepers.add} answers it. */
export interface Sleeper<A> {
  /** When it ends. */
  readonly atMillis: number
  /** Who is woken. */
  readonly value: A
  /** How many were added before it. */
  readonly order: number
  /** Where it is in the heap, which moves it about. */
  index: number
}

const isBefore = <A>(a: Sleeper<A>, b: Sleeper<A>): boolean =>
  a.atMillis < b.atMillis || (a.atMillis === b.atMillis && a.order < b.order)

/** All who sleep. Begins with nobody. */
export class Sleepers<A> {
  // Each comes before the two at twice its index, plus one and plus two.
  private readonly heap: Array<Sleeper<A>> = []
  private added = 0

  /** How many sleep. */
  get size(): number {
    return this.heap.length
  }

  /** When the next one wakes. Nothing when nobody sleeps. */
  get nextMillis(): number | undefined {
    return this.heap.at(0)?.atMillis
  }

  /** Adds one, after all that wake at the same time. Answers what it is taken out by. */
  add(atMillis: number, value: A): Sleeper<A> {
    const sleeper: Sleeper<A> = { atMillis, value, order: this.added++, index: this.heap.length }
    this.heap.push(sleeper)
    this.rise(sleeper)
    return sleeper
  }

  /** Takes out the next one, and answers who it is. Nothing when nobody sleeps. */
  pop(): A | undefined {
    const next = this.heap.at(0)
    if (next === undefined) return undefined
    this.remove(next)
    return next.value
  }

  /** Takes one out, wherever it is. Nothing happens when it is not there, for example because it was popped. */
  remove(sleeper: Sleeper<A>): void {
    const { index } = sleeper
    if (this.heap.at(index) !== sleeper) return
    const last = this.heap.pop()
    // The last one takes its place, unless it was the last one itself.
    if (last === undefined || last === sleeper) return
    this.put(last, index)
    this.rise(last)
    this.sink(last)
  }

  private put(sleeper: Sleeper<A>, index: number): void {
    this.heap[index] = sleeper
    sleeper.index = index
  }

  /** Moves one up until it comes after the one above it. */
  private rise(sleeper: Sleeper<A>): void {
    while (sleeper.index > 0) {
      const index = sleeper.index
      const above = this.heap[(index - 1) >> 1]
      if (!isBefore(sleeper, above)) return
      this.put(sleeper, above.index)
      this.put(above, index)
    }
  }

  /** Moves one down until it comes before both below it. */
  private sink(sleeper: Sleeper<A>): void {
    while (true) {
      const index = sleeper.index
      const left = this.heap.at(2 * index + 1)
      if (left === undefined) return
      const right = this.heap.at(2 * index + 2)
      const below = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(below, sleeper)) return
      this.put(sleeper, below.index)
      this.put(below, index)
    }
  }
}
