/**
 * What a virtualizer got wrong.
 */
import { Schema } from "effect"

/** The contract asks for something, and something else happened. */
export class ConformanceFailure extends Schema.TaggedError<ConformanceFailure>()("ConformanceFailure", {
  /** What the contract asks for. */
  contract: Schema.String,
  /** What happened in its place. */
  found: Schema.String
}) {
  override get message(): string {
    return `${this.contract}. Instead: ${this.found}`
  }
}
