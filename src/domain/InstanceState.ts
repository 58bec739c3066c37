/**
 * What an instance is, as its users see it.
 */
import { Schema } from "effect"
import { ExitStatus } from "./ExitStatus.ts"
import { Phase } from "./Phase.ts"

/**
 * - `Pending`: accepted and recorded; nothing done yet.
 * - `Preparing`: its image, disk and seed are being made.
 * - `Starting`: its guest is being launched and has not connected yet.
 * - `Running`, `Paused`: the guest is there and answers.
 * - `Stopping`: the guest is being asked, or made, to end.
 * - `Stopped`: it was asked to end, and has.
 * - `Exited`: it ended without having been asked to.
 * - `Restarting`: it ended, or could not be started, and its restart policy has it started again, at `atMillis`: the
 *   `restarts`th time in a row. `why` says how it ended.
 * - `Failed`: a step failed, in `phase`, for `reason` (a code of the closed set in `launcher/LauncherError`); `crash_loop`
 *   where its restart policy gave it up.
 * - `Unknown`: its guest can not be reached, which proves nothing. Nothing of it is deleted; it is probed again.
 */
export const InstanceState = Schema.Union([
  Schema.TaggedStruct("Pending", {}),
  Schema.TaggedStruct("Preparing", {}),
  Schema.TaggedStruct("Starting", {}),
  Schema.TaggedStruct("Running", {}),
  Schema.TaggedStruct("Paused", {}),
  Schema.TaggedStruct("Stopping", {}),
  Schema.TaggedStruct("Stopped", {}),
  Schema.TaggedStruct("Exited", { status: ExitStatus }),
  Schema.TaggedStruct("Restarting", { restarts: Schema.Int, atMillis: Schema.Int, why: Schema.String }),
  Schema.TaggedStruct("Failed", { phase: Phase, reason: Schema.String, detail: Schema.String }),
  Schema.TaggedStruct("Unknown", { sinceMillis: Schema.Int, why: Schema.String })
])

export type InstanceState = typeof InstanceState.Type

/** The tag of a state. */
export type Tag = InstanceState["_tag"]

/** Every state, in the order of a life. */
export const tags: ReadonlyArray<Tag> = InstanceState.members.map((member) => member.fields._tag.schema.literal)

/**
 * The legal moves. A new launcher takes every instance for `Unknown` until it has looked, and an interrupted or failed
 * step leads there too, so every state can become `Unknown`, and `Unknown` can become any but `Pending`. `Starting` goes
 * back to `Preparing` when the host is looked at again and what was prepared is gone. What ended runs again without a start of
 * ours where somebody else starts it, such as at its engine.
 */
export const moves: Readonly<Record<Tag, ReadonlyArray<Tag>>> = {
  Pending: ["Preparing", "Starting", "Stopping", "Stopped", "Restarting", "Failed", "Unknown"],
  Preparing: ["Starting", "Stopping", "Stopped", "Restarting", "Failed", "Unknown"],
  Starting: ["Preparing", "Running", "Paused", "Stopping", "Stopped", "Exited", "Restarting", "Failed", "Unknown"],
  Running: ["Paused", "Stopping", "Stopped", "Starting", "Exited", "Restarting", "Failed", "Unknown"],
  Paused: ["Running", "Stopping", "Stopped", "Starting", "Exited", "Restarting", "Failed", "Unknown"],
  Stopping: ["Stopped", "Preparing", "Starting", "Exited", "Restarting", "Failed", "Unknown"],
  Stopped: ["Preparing", "Starting", "Stopping", "Failed", "Unknown"],
  Exited: ["Preparing", "Starting", "Running", "Stopping", "Stopped", "Failed", "Unknown"],
  Restarting: ["Preparing", "Starting", "Running", "Paused", "Stopping", "Stopped", "Failed", "Unknown"],
  Failed: ["Preparing", "Starting", "Stopping", "Stopped", "Unknown"],
  Unknown: ["Preparing", "Starting", "Running", "Paused", "Stopping", "Stopped", "Exited", "Restarting", "Failed"]
}

/** The seed system's word for a state; it knows no others. */
export const seedState = (state: InstanceState): "pending" | "active" | "exited" => {
  switch (state._tag) {
    case "Pending":
    case "Preparing":
    case "Starting":
      return "pending"
    case "Running":
    case "Paused":
    case "Stopping":
    case "Unknown":
      return "active"
    case "Stopped":
    case "Exited":
    case "Restarting":
    case "Failed":
      return "exited"
  }
}
