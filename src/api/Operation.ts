/**
 * A command that goes on without its caller.
 */
import { Schema } from "effect"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { Problem } from "./Problem.ts"

/**
 * What became of a command: kept for an hour after it ended, and gone with the daemon; then the instance itself tells how it is.
 */
export const Operation = Schema.Struct({
  /** Its id: `/v1/operations/{operation}`. */
  operation: Schema.String,
  /** What was asked for, such as `start`. */
  command: Schema.String,
  /** The instance it is about; absent for a node's. */
  instance: Schema.optionalKey(Schema.String),
  state: Schema.Literals(["running", "done", "failed"]),
  beganMillis: Schema.Int,
  endedMillis: Schema.optionalKey(Schema.Int),
  /** The instance as it was when a start or another change was done. */
  result: Schema.optionalKey(InstanceInfo),
  /** Why it failed. */
  problem: Schema.optionalKey(Problem)
}).annotate({ identifier: "Operation" })

export type Operation = typeof Operation.Type
