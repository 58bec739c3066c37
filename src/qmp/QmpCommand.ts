/**
 * A QMP command as a value: its name, and the Schemas of its arguments and of its reply.
 */
import type { Schema } from "effect"

/** A command that takes `Arguments` and answers `Returns`; both are `void` where there is nothing to say. */
export interface QmpCommand<in out Arguments, out Returns> {
  readonly name: string
  readonly arguments: Schema.Codec<Arguments, unknown>
  readonly returns: Schema.Codec<Returns, unknown>
}

/**
 * Makes a typed command. `Schema.Void` for arguments takes none, and for a reply ignores it. Fields of a reply that its
 * Schema does not name are ignored: QEMU adds some with every release.
 *
 * ```ts
 * const queryUuid = QmpCommand.make("query-uuid", {
 *   arguments: Schema.Void,
 *   returns: Schema.Struct({ UUID: Schema.String })
 * })
 * ```
 */
export const make = <Arguments, Returns>(name: string, schemas: {
  readonly arguments: Schema.Codec<Arguments, unknown>
  readonly returns: Schema.Codec<Returns, unknown>
}): QmpCommand<Arguments, Returns> => ({ name, ...schemas })
