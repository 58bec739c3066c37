/**
 * What the demo shows: a line for each step, or one JSON document for all.
 */
import { Clock, Console, Effect, Schema } from "effect"

/** A step failed. */
export class StepFailed extends Schema.TaggedError<StepFailed>()("StepFailed", {
  step: Schema.String,
  cause: Schema.String
}) {
  override get message(): string {
    return `${this.step}: ${this.cause}`
  }
}

interface Step {
  readonly name: string
  readonly millis: number
}

const nameWidth = 28

/** One run of the demo. */
export class Report {
  readonly steps: Array<Step> = []
  readonly json: boolean

  constructor(json: boolean) {
    this.json = json
  }

  /** Runs a step, and tells how long it took and what it says of itself. */
  step<A, E extends { readonly message: string }, R>(
    name: string,
    step: Effect.Effect<A, E, R>,
    detail: (value: A) => string = () => ""
  ): Effect.Effect<A, StepFailed, R> {
    return Effect.gen({ self: this }, function*() {
      const began = yield* Clock.currentTimeMillis
      const value = yield* Effect.mapError(step, (error) => new StepFailed({ step: name, cause: error.message }))
      const millis = (yield* Clock.currentTimeMillis) - began
      this.steps.push({ name, millis })
      const line = `${name.padEnd(nameWidth)} ${(millis / 1000).toFixed(2).padStart(5)} s  ${detail(value)}`
      yield* this.json ? Effect.void : Console.log(line.trimEnd())
      return value
    })
  }
}
