/**
 * What the operating system said when a platform service failed.
 */
import { type PlatformError, Predicate } from "effect"

/** Its code, such as `ENOSPC`, where there is one. */
export const codeOf = ({ reason: { cause } }: PlatformError.PlatformError): string | undefined =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined

/** What helps against what a disk does. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "free some space",
  EDQUOT: "free some space, or raise the quota",
  EROFS: "remount its file system so that it can be written",
  EIO: "its disk is failing: see the kernel's log"
}

/** Its words, where there are any, with what helps where that is known; else those of the service. */
export const wordsOf = (error: PlatformError.PlatformError): string => {
  const { cause } = error.reason
  const words = Predicate.isError(cause) ? cause.message : error.message
  const remedy = remedies[codeOf(error) ?? ""]
  return remedy === undefined ? words : `${words}: ${remedy}`
}
