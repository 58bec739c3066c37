/**
 * What the failures of an engine mean to a launcher, and waiting for an engine that is away.
 */
import { Clock, Duration, Effect, Result } from "effect"
import { type EngineError, isAway } from "../../docker/EngineError.ts"
import { fail, HostFailure, LaunchFailed, NoSpace, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import type { DockerConfig } from "./DockerConfig.ts"

/** What to say of an engine that does not do what it is asked: `Unreachable`, `NoSpace` or `HostFailure`. */
export const failure = (error: EngineError): VirtualizerError =>
  isAway(error) || error.reason._tag === "VersionUnsupported"
    ? fail(new Unreachable({ detail: error.message }))
    : isFull(error)
    ? fail(new NoSpace({ path: "the engine's data directory" }))
    : fail(new HostFailure({ detail: error.message }))

/** What helps against what engines refuse, by their words. */
const remedies: ReadonlyArray<readonly [RegExp, string]> = [
  [/network .* not found/i, "make that network, or name another"],
  [/port is already allocated|address already in use/i, "publish another port, or end what uses this one"],
  [/address is already in use|no available .*addresses|invalid address/i, "give it another address of its network"],
  [/minimum memory limit/i, "give it more memory"],
  [/executable file not found|no such file or directory|permission denied|is a directory/i, "correct its command"],
  [/no such container/i, "somebody removed it: start it again"]
]

/** What the engine said of what it refused, and what to do. */
const withRemedy = (error: EngineError): string => {
  const detail = detailOf(error)
  const remedy = remedies.find(([words]) => words.test(detail))?.[1] ?? "correct the spec, or see the engine's log"
  return `${detail}: ${remedy}`
}

/** What to say of a refusal, beside those of {@link failure}. */
export const refusal = (error: EngineError): VirtualizerError =>
  isAway(error) || isFull(error) || !("detail" in error.reason)
    ? failure(error)
    : fail(new HostFailure({ detail: withRemedy(error) }))

/** The same of a launch: what the engine refuses has failed to launch. */
export const launchFailure = (error: EngineError): VirtualizerError =>
  isAway(error) || isFull(error) ? failure(error) : fail(new LaunchFailed({ detail: withRemedy(error) }))

const isFull = ({ reason }: EngineError): boolean =>
  "detail" in reason && /no space left on device|disk quota exceeded/i.test(reason.detail)

/** What the engine itself said. */
export const detailOf = ({ message, reason }: EngineError): string => "detail" in reason ? reason.detail : message

/** How often an engine that is away is looked for. */
const lookAgainAfter = Duration.millis(100)

/**
 * Does it, and again as long as the engine is away, up to the configured time. What is done must find out by itself how far it
 * came before. An engine that is there and does not answer is not waited for.
 */
export const patiently = Effect.fnUntraced(function*<A, E extends EngineError | VirtualizerError, R>(
  { absenceDeadline }: DockerConfig,
  effect: Effect.Effect<A, E, R>
): Effect.fn.Return<A, E, R> {
  let sinceMillis: number | undefined
  while (true) {
    const result = yield* Effect.result(effect)
    if (Result.isSuccess(result)) return result.success
    const { reason } = result.failure
    const nowMillis = yield* Clock.currentTimeMillis
    sinceMillis ??= nowMillis
    const mayReturn = reason._tag === "ConnectFailed" || reason._tag === "Disconnected"
    if (!mayReturn || nowMillis - sinceMillis >= Duration.toMillis(absenceDeadline)) {
      return yield* Effect.fail(result.failure)
    }
    yield* Effect.sleep(lookAgainAfter)
  }
})
