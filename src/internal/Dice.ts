/**
 * Seeded chance, for what must come out the same again: the same seed gives the same numbers, on every machine.
 */
import { Effect, Random } from "effect"

export class Dice {
  private readonly seed: string
  /** The numbers, as Effect's service for them. */
  readonly random: Random.Random

  constructor(seed: string | number) {
    this.seed = `${seed}`
    this.random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), this.seed))
  }

  /** Dice of their own for one purpose: however often they are rolled, these are not disturbed. */
  for(purpose: string): Dice {
    return new Dice(`${this.seed}/${purpose}`)
  }

  /** A number from 0 on, below 1. */
  next(): number {
    return this.random.nextDoubleUnsafe()
  }

  /** A whole number from 0 on, below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  /** A whole number from `least` to `most`, both among them. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of the choices. */
  one<A>(...choices: readonly [A, ...ReadonlyArray<A>]): A {
    return choices[this.below(choices.length)] ?? choices[0]
  }
}
