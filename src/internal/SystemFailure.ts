/**
 * What the operating system said when a platform service failed.
 */
import { type PlatformError, Predicate } from "effect"

/** Its code, such as `ENOSPC`, where there is one. */
export const codeOf = ({ reason: { cause } }: PlatformError.PlatformError): string | undefined =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined

/** Its words, where there are any; else those of the service. */
export const wordsOf = (error: PlatformError.PlatformError): string => {
  const { cause } = error.reason
  return Predicate.isError(cause) ? cause.message : error.message
}
