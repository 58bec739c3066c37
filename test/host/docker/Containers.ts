/**
 * The containers that an engine has, past all that is tested.
 */
import { Effect, Schema } from "effect"
import type { EngineHttp, EngineHttpFailed } from "./EngineHttp.ts"

/** One of them. */
export interface Container {
  readonly Id: string
  readonly State: string
}

const Listed = Schema.Array(Schema.Struct({ Id: Schema.String }))
const Inspected = Schema.fromJsonString(
  Schema.Struct({ Id: Schema.String, State: Schema.Struct({ Status: Schema.String }) })
)

/**
 * Those that have all of these labels. Each is asked for by itself, which waits until the engine has done what it is about: in its
 * list, one that has ended runs for some time more.
 */
export const all = Effect.fnUntraced(function*(
  http: EngineHttp,
  label: ReadonlyArray<string> = []
): Effect.fn.Return<ReadonlyArray<Container>, EngineHttpFailed> {
  const filters = encodeURIComponent(JSON.stringify({ label }))
  const containers: Array<Container> = []
  for (const { Id } of yield* http.read(Listed, `/containers/json?all=1&filters=${filters}`)) {
    const { status, text } = yield* http.request("GET", `/containers/${Id}/json`)
    // It was removed meanwhile.
    if (status === 404) continue
    const { State: { Status } } = yield* Effect.orDie(Schema.decodeEffect(Inspected)(text))
    containers.push({ Id, State: Status })
  }
  return containers
})

/** Whether there is a guest in it. */
export const isRunning = ({ State }: Container): boolean => State === "running" || State === "paused"

/** Removes them all, running or not. An engine that does not answer is a defect: what it has would be left. */
export const remove = (http: EngineHttp, label: ReadonlyArray<string> = []): Effect.Effect<void> =>
  Effect.flatMap(
    all(http, label),
    Effect.forEach(({ Id }) => http.request("DELETE", `/containers/${Id}?force=1&v=1`), { discard: true })
  ).pipe(Effect.orDie)
