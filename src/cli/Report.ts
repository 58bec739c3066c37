/**
 * How a failure is told, on standard error.
 */
import { Cause, Console, Effect } from "effect"
import { CliError } from "effect/cli"
import { CliFailure } from "./CliFailure.ts"
import { plain } from "./Text.ts"

const withoutUndefined = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))

/** A failure as a value for programs. */
export const toJson = ({ code, detail, exitCode, fields, hint, instance, phase }: CliFailure) =>
  withoutUndefined({ exitCode, code, detail, hint, instance, phase, fields })

/** A failure in lines for a person. */
export const toLines = ({ detail, fields = [], hint }: CliFailure): ReadonlyArray<string> => [
  ...detail.split("\n").map((line, index) => `${index === 0 ? "viv: " : "     "}${plain(line)}`),
  ...fields.map(({ detail, path }) => `     ${plain(path)}: ${plain(detail)}`),
  ...(hint === undefined
    ? []
    : hint.split("\n").map((line, index) => `${index === 0 ? "hint: " : "      "}${plain(line)}`))
]

/** Tells a failure. */
export const report = (failure: CliFailure, isJson: boolean): Effect.Effect<void> =>
  Console.error(isJson ? JSON.stringify({ error: toJson(failure) }) : toLines(failure).join("\n"))

/** Tells why the program ends, but for what was told already and for an interruption. */
export const reportCause = (cause: Cause.Cause<unknown>, isJson: boolean): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (CliError.isCliError(error)) return Effect.void
  if (error instanceof CliFailure) return error.told === true ? Effect.void : report(error, isJson)
  return Console.error(`viv: this is a bug of viv, please report it:\n${Cause.pretty(cause)}`)
}
