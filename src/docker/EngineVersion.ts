/**
 * Versions of the Engine API: https://docs.docker.com/reference/api/engine/
 */
import { Result, Schema } from "effect"
import { type EngineError, fail, VersionUnsupported } from "./EngineError.ts"

/** A version of the API, such as `1.41`. Its two parts are numbers: 1.9 is older than 1.41. */
export const ApiVersion = Schema.String.check(
  Schema.isPattern(/^\d{1,4}\.\d{1,4}$/, { expected: "a version of the API, such as 1.41" })
)

export type ApiVersion = typeof ApiVersion.Type

/** Below 0 where the first is older, above 0 where it is newer. */
export const compare = (left: ApiVersion, right: ApiVersion): number => {
  const [leftMajor = 0, leftMinor = 0] = left.split(".").map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split(".").map(Number)
  return leftMajor - rightMajor || leftMinor - rightMinor
}

/** The versions that this client speaks: from Docker Engine 20.10 and Podman 4 on. */
export const supported = { oldest: "1.41", newest: "1.51" } as const

/** Whether this client speaks a version. */
export const isSupported = (version: ApiVersion): boolean =>
  compare(version, supported.oldest) >= 0 && compare(version, supported.newest) <= 0

/** The versions that an engine speaks. */
export interface EngineRange {
  readonly oldest: ApiVersion
  readonly newest: ApiVersion
}

/** The newest version that both speak. Fails with `VersionUnsupported` when there is none. */
export const negotiate = ({ newest, oldest }: EngineRange): Result.Result<ApiVersion, EngineError> => {
  const common = compare(newest, supported.newest) < 0 ? newest : supported.newest
  return compare(common, oldest) < 0 || compare(common, supported.oldest) < 0
    ? Result.fail(fail(
      new VersionUnsupported({
        engine: `${oldest} to ${newest}`,
        client: `${supported.oldest} to ${supported.newest}`
      })
    ))
    : Result.succeed(common)
}
