/**
 * What the operating system said when a platform service failed.
 */
import { type PlatformError, Predicate } from "effect"

/** The code of what Node threw, such as `ENOSPC`, where there is one. */
export const codeOfCause = (cause: unknown): string | undefined =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined

/** Its code, such as `ENOSPC`, where there is one. */
export const codeOf = ({ reason: { cause } }: PlatformError.PlatformError): string | undefined => codeOfCause(cause)

/** What helps against what a disk does. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "free some space",
  EDQUOT: "free some space, or raise the quota",
  EROFS: "remount its file system so that it can be written",
  EIO: "its disk is failing: see the kernel's log"
}

const withRemedy = (words: string, code: string | undefined): string => {
  const remedy = remedies[code ?? ""]
  return remedy === undefined ? words : `${words}: ${remedy}`
}

/** The words of what Node threw, with what helps where that is known. */
export const wordsOfCause = (cause: unknown): string =>
  withRemedy(Predicate.isError(cause) ? cause.message : String(cause), codeOfCause(cause))

/** Its words, where there are any, with what helps where that is known; else those of the service. */
export const wordsOf = (error: PlatformError.PlatformError): string => {
  const { cause } = error.reason
  return withRemedy(Predicate.isError(cause) ? cause.message : error.message, codeOf(error))
}
