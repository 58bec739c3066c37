/**
 * Waiting for a container, for however long.
 */
import { Effect, Option } from "effect"
import * as Containers from "./Containers.ts"
import type * as EngineClient from "./EngineClient.ts"
import { type EngineError, is } from "./EngineError.ts"

/** How long one call waits: what lies between may forget a connection on which nothing happens. */
const once = "10 minutes"

/**
 * Waits until a container does not run, and answers its exit code. Asks again every ten minutes, and when the connection was
 * lost, as long as the engine answers. May be interrupted, which closes the connection.
 *
 * Fails with `NotFound` when there is no such container, and as `execute` does when the engine is away.
 */
export const untilStopped = Effect.fn("ContainerWait.untilStopped")(function*(
  engine: EngineClient.Shape,
  id: string
): Effect.fn.Return<number, EngineError> {
  while (true) {
    const waited = yield* engine.execute(Containers.wait(id, "not-running"), { deadline: once }).pipe(
      Effect.map(({ StatusCode }) => Option.some(StatusCode)),
      Effect.catchIf(
        (error) => is(error, "DeadlineExceeded") || is(error, "Disconnected"),
        // When it is away, this says so.
        () => Effect.as(engine.execute(Containers.inspect(id)), Option.none<number>())
      )
    )
    if (Option.isSome(waited)) return waited.value
  }
})
