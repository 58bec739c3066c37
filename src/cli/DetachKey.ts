/**
 * The key that leaves a console: one byte, as a terminal sends a control key.
 */
import { Option } from "effect"

/** The byte of a control key, written as `ctrl-]` or `^]`. */
export const parse = (written: string): Option.Option<number> => {
  const found = /^(?:ctrl-|\^)([a-z@[\\\]^_])$/i.exec(written)
  return found === null ? Option.none() : Option.some((found[1] ?? "").toUpperCase().charCodeAt(0) & 0x1f)
}

/** What was typed before the key, and whether it was typed. */
export const split = (
  typed: Uint8Array,
  key: number
): { readonly before: Uint8Array; readonly isDetached: boolean } => {
  const at = typed.indexOf(key)
  return { before: at < 0 ? typed : typed.subarray(0, at), isDetached: at >= 0 }
}
