/** A small generator of numbers: the same seed gives the same run. */
export class Dice {
  private state: number
  constructor(seed: number) {
    this.state = seed * 2654435761 >>> 0
  }
  below(bound: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0
    return Math.floor(this.state / 2 ** 32 * bound)
  }
  one<A>(...choices: readonly [A, ...ReadonlyArray<A>]): A {
    return choices[this.below(choices.length)] ?? choices[0]
  }
}
