/**
 * The kinds of flags that commands have.
 */
import { Flag } from "effect/cli"

/** A text, which may be left out. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

/** Texts: as often as the flag is given. */
export const many = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.atLeast(0))

/** A path, which may be left out. */
export const path = (name: string, description: string) =>
  Flag.Path(name).pipe(Flag.withMetavar("PATH"), Flag.withDescription(description), Flag.optional)

/** Something that is only done where it is asked for. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))
