/**
 * Why a command of `viv` failed: with what it ends, and what to do.
 */
import { type PlatformError, Runtime, Schema } from "effect"
import { ExitCode } from "./ExitCode.ts"

export class CliFailure extends Schema.TaggedError<CliFailure>()("CliFailure", {
  exitCode: Schema.Literals(Object.values(ExitCode)),
  /** What went wrong, and with what. */
  detail: Schema.String,
  /** What to do about it. */
  hint: Schema.optionalKey(Schema.String),
  /** The code that control planes switch on, where the daemon answered with one. */
  code: Schema.optionalKey(Schema.String),
  phase: Schema.optionalKey(Schema.String),
  instance: Schema.optionalKey(Schema.String),
  /** What is wrong with single fields of what was sent. */
  fields: Schema.optionalKey(Schema.Array(Schema.Struct({ path: Schema.String, detail: Schema.String }))),
  /** It has been told already: of each of several instances. */
  told: Schema.optionalKey(Schema.Boolean)
}) {
  override get message(): string {
    return this.detail
  }
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
  override get [Runtime.errorReported](): boolean {
    return false
  }
}

/** The command line asks for what makes no sense. */
export const usage = (detail: string, hint?: string): CliFailure =>
  new CliFailure({ exitCode: ExitCode.usage, detail, ...(hint === undefined ? {} : { hint }) })

/** A file of this machine can not be read. */
export const unreadable = (what: string, { message, reason }: PlatformError.PlatformError): CliFailure => {
  switch (reason._tag) {
    case "NotFound":
      return failed(`${what} can not be read: there is no such file`)
    case "PermissionDenied":
      return failed(`${what} can not be read: you may not`)
    default:
      return failed(`${what} can not be read: ${message}`)
  }
}

/** Something failed here, not at the daemon. */
export const failed = (detail: string, hint?: string): CliFailure =>
  new CliFailure({ exitCode: ExitCode.failed, detail, ...(hint === undefined ? {} : { hint }) })
