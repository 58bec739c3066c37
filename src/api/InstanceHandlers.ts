/**
 * `/v1/instances`, by the launcher.
 */
import { Context, Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { Launcher } from "../launcher/Launcher.ts"
import type { LauncherError } from "../launcher/LauncherError.ts"
import { Api } from "./Api.ts"
import { type Asked, changing, doing } from "./Commands.ts"
import * as Console from "./Console.ts"
import * as Creating from "./Creating.ts"
import { ofGuest, ofLauncher } from "./Failures.ts"
import { meets } from "./Filtering.ts"
import * as Instances from "./Instances.ts"
import { Operations } from "./Operations.ts"
import { Shutdown } from "./Shutdown.ts"
import { Streams } from "./Streams.ts"

/** Whether an instance comes after a page's last. */
const isAfter = (after: string | undefined) => ({ spec }: InstanceInfo): boolean =>
  after === undefined || spec.id > after

export const layer = HttpApiBuilder.group(
  Api,
  "instances",
  Effect.fnUntraced(function*(handlers) {
    const launcher = yield* Launcher
    const streams = yield* Streams
    const attended = new Console.Attended()
    // These and no others: what is built here has a scope, and a request its own.
    const own = Effect.provideContext(
      Context.pick(Launcher, Operations, Shutdown)(yield* Effect.context<Launcher | Operations | Shutdown>())
    )

    /** A command to an instance, answered with the instance as it is then. */
    const change = (
      asked: Omit<Asked, "instance"> & { readonly ref: string },
      effect: (id: InstanceId) => Effect.Effect<unknown, LauncherError>
    ) =>
      own(Effect.flatMap(Instances.idOf(asked.ref), (id) =>
        changing(
          { ...asked, instance: id },
          Effect.mapError(Effect.andThen(effect(id), launcher.get(id)), ofLauncher)
        )))

    return handlers
      .handle("list", ({ query }) =>
        Effect.map(launcher.list, (all) => {
          const { after, limit } = query
          const meant = meets(query)
          const instances: Array<InstanceInfo> = []
          for (const instance of all) {
            if (!isAfter(after)(instance) || !meant(instance)) continue
            if (limit !== undefined && instances.length === limit) {
              return { instances, next: instances[instances.length - 1].spec.id }
            }
            instances.push(instance)
          }
          return { instances }
        }))
      .handleRaw("create", ({ headers, query, request }) =>
        Effect.gen(function*() {
          const { perform, spec, text } = yield* Creating.read(request, query)
          return yield* own(changing({
            command: "create",
            instance: spec.id,
            cancelOnDisconnect: query.cancelOnDisconnect,
            headers,
            body: text
          }, own(perform)))
        }))
      .handle("get", ({ params }) => own(Instances.find(params.id)))
      .handle(
        "delete",
        ({ headers, params }) =>
          own(
            Effect.flatMap(Instances.idOf(params.id), (id) =>
              doing({ command: "delete", instance: id, headers }, Effect.mapError(launcher.delete(id), ofLauncher)))
          )
      )
      .handle("start", ({ headers, params, query }) =>
        change(
          { command: "start", ref: params.id, headers, cancelOnDisconnect: query.cancelOnDisconnect },
          (id) => Effect.flatMap(launcher.get(id), ({ spec }) => launcher.start(spec))
        ))
      .handle("stop", ({ headers, params }) => change({ command: "stop", ref: params.id, headers }, launcher.stop))
      .handle(
        "restart",
        ({ headers, params }) => change({ command: "restart", ref: params.id, headers }, launcher.restart)
      )
      .handle("pause", ({ headers, params }) => change({ command: "pause", ref: params.id, headers }, launcher.pause))
      .handle(
        "resume",
        ({ headers, params }) => change({ command: "resume", ref: params.id, headers }, launcher.resume)
      )
      .handle("attach", ({ headers, params, payload }) =>
        change(
          { command: "attach", ref: params.id, headers, body: JSON.stringify(payload) },
          (id) => launcher.attach(id, payload)
        ))
      .handle(
        "detach",
        ({ headers, params }) =>
          change({ command: "detach", ref: params.id, headers }, (id) => launcher.detach(id, params.volume))
      )
      .handle(
        "stats",
        ({ params }) =>
          Effect.flatMap(own(Instances.idOf(params.id)), (id) => Effect.mapError(launcher.stats(id), ofLauncher))
      )
      .handle("logs", ({ params, query }) =>
        Effect.gen(function*() {
          yield* streams.admit
          const id = yield* own(Instances.idOf(params.id))
          const guest = yield* Effect.mapError(launcher.console(id), ofLauncher)
          // Read once to its end, so that a failure is told as such, and its length is known.
          const bytes = yield* Stream.runFold(
            guest.log({ follow: false }),
            () => 0,
            (sum, chunk) => sum + chunk.length
          ).pipe(
            Effect.mapError(ofGuest(id))
          )
          let skip = query.tail === undefined ? 0 : Math.max(0, bytes - query.tail)
          const log = Stream.map(guest.log({ follow: query.follow === true }), (chunk) => {
            const kept = chunk.subarray(Math.min(skip, chunk.length))
            skip -= chunk.length - kept.length
            return kept
          })
          return streams.bound(Stream.filter(log, (chunk) => chunk.length > 0))
        }))
      // An upgraded request's own scope stays open.
      .handle("console", ({ params, request }) =>
        Effect.scoped(Effect.gen(function*() {
          yield* streams.admit
          const id = yield* own(Instances.idOf(params.id))
          const guest = yield* Effect.mapError(launcher.console(id), ofLauncher)
          yield* own(Console.join(request, id, guest, attended))
          return HttpServerResponse.empty()
        })))
  })
)
