/**
 * `/v1/node` and `/v1/operations`, by the launcher.
 */
import { type Cause, Effect, Queue, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Launcher } from "../launcher/Launcher.ts"
import type { LauncherError } from "../launcher/LauncherError.ts"
import type { Removal as LauncherRemoval } from "../launcher/Removals.ts"
import { Virtualizers } from "../Virtualizer.ts"
import { Api } from "./Api.ts"
import { doing } from "./Commands.ts"
import * as Creating from "./Creating.ts"
import { Doctor } from "./Doctor.ts"
import { ofLauncher } from "./Failures.ts"
import { Removal } from "./NodeApi.ts"
import { Operations } from "./Operations.ts"
import { make as problem } from "./Problem.ts"
import { Streams } from "./Streams.ts"
import { version } from "./Version.ts"

const encodeRemoval = Schema.encodeSync(Schema.toCodecJson(Removal))

const removed = ({ failure, ...removal }: LauncherRemoval): Removal => ({
  _tag: "Removed",
  ...removal,
  ...(failure === undefined ? {} : { problem: ofLauncher(failure) })
})

/** What is told of an evacuation or a reset, and how it ended. */
const tell = (removals: Stream.Stream<LauncherRemoval, LauncherError>): Stream.Stream<Removal> =>
  Stream.suspend(() => {
    let done = 0
    let failed = 0
    return removals.pipe(
      Stream.map((removal) => {
        if (removal.failure === undefined) done++
        else failed++
        return removed(removal)
      }),
      Stream.concat(Stream.sync((): Removal => ({ _tag: "Done", removed: done, failed }))),
      Stream.catch((error) => Stream.succeed<Removal>({ _tag: "Failed", problem: ofLauncher(error) }))
    )
  })

export const layer = HttpApiBuilder.group(
  Api,
  "node",
  Effect.fnUntraced(function*(handlers) {
    const doctor = yield* Doctor
    const launcher = yield* Launcher
    const operations = yield* Operations
    const streams = yield* Streams
    const virtualizers = Array.from(
      (yield* Virtualizers).values(),
      ({ capabilities, name }) => ({ capabilities, name })
    )

    /** Evacuates or resets beside its caller, who follows it, or asks for the operation later. */
    const removing = (
      command: "evacuate" | "reset",
      headers: { readonly prefer?: string; readonly "idempotency-key"?: string }
    ) =>
      Effect.gen(function*() {
        const told = tell(launcher[command])
        if (headers.prefer !== undefined || headers["idempotency-key"] !== undefined) {
          const end = Effect.flatMap(Stream.runLast(told), (last) =>
            last._tag === "Some" && last.value._tag === "Failed" ? Effect.fail(last.value.problem) : Effect.void)
          return (yield* Effect.provideService(doing({ command, headers }, end), Operations, operations)) ??
            HttpServerResponse.empty({ status: 204 })
        }
        yield* streams.admit
        // Holds one entry for each thing that is removed: as many as there are instances.
        const queue = yield* Queue.unbounded<Removal, Cause.Done>()
        yield* operations.detach(
          Stream.runForEach(told, (removal) =>
            Queue.offer(queue, removal)).pipe(Effect.ensuring(Queue.end(queue)))
        )
        const lines = Stream.map(Stream.fromQueue(queue), (removal) => `${JSON.stringify(encodeRemoval(removal))}\n`)
        return HttpServerResponse.stream(streams.bound(Stream.encodeText(lines)), {
          contentType: "application/x-ndjson"
        })
      })

    return handlers
      .handle("status", () => Effect.map(launcher.status, (status) => ({ version, virtualizers, status })))
      .handle("statistics", () => launcher.statistics)
      .handle("evacuate", ({ headers }) => removing("evacuate", headers))
      .handle("restore", () => Effect.mapError(launcher.restore, ofLauncher))
      .handle("reset", ({ headers }) => removing("reset", headers))
      .handle(
        "orphans",
        () =>
          Effect.map(
            Effect.mapError(launcher.orphans, ofLauncher),
            (orphans) => orphans.map(({ guest, id }) => guest === undefined ? { id } : { id, guest })
          )
      )
      .handleRaw("adopt", ({ request }) =>
        Effect.flatMap(Creating.textOf(request), Creating.nativeSpec).pipe(
          Effect.flatMap((spec) => Effect.mapError(launcher.adopt(spec), ofLauncher))
        ))
      .handle("destroyOrphan", ({ params: { id } }) =>
        Effect.gen(function*() {
          const isThere = (yield* launcher.orphans).some((orphan) => orphan.id === id)
          // Of an instance the launcher says that it is none.
          if (!isThere && (yield* Effect.isFailure(launcher.get(id)))) {
            return yield* problem("no_instance", {
              detail: `there is no orphan ${id} on this node`,
              hint: "GET /v1/node/orphans lists those that are there",
              instance: id
            })
          }
          yield* launcher.destroyOrphan(id)
        }).pipe(Effect.mapError((error) => error._tag === "Problem" ? error : ofLauncher(error))))
      .handle("doctor", () => doctor.checks)
      .handle("operation", ({ params }) => operations.get(params.operation))
  })
)

/** There is nothing at such a path. */
export const notFound = problem("not_found", {
  detail: "there is nothing at this path, or not for this method",
  hint: "GET /docs or /openapi.json says what there is"
})
