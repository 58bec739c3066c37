/**
 * Where in an instance's life something failed.
 */
import { Schema } from "effect"

/** The phases of an instance's life, in the order a start goes through them. */
export const Phase = Schema.Literals([
  "admit",
  "image",
  "network",
  "create",
  "launch",
  "connect",
  "run",
  "stop",
  "delete",
  "attach",
  "detach"
])

export type Phase = typeof Phase.Type
