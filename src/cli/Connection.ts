/**
 * The connection to the daemon that a command speaks to.
 */
import { Config, Effect, Option, Redacted, Schema, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { Socket } from "effect/socket"
import { Api } from "../api/Api.ts"
import type { Client } from "../api/Client.ts"
import type { Filter as ApiFilter } from "../api/InstancesApi.ts"
import { socketPathOf } from "../api/SocketPath.ts"
import { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { tags } from "../domain/InstanceState.ts"
import { VolumeId } from "../domain/Volume.ts"
import { failed } from "./CliFailure.ts"
import { Daemon, type Filter } from "./Daemon.ts"
import { type Endpoint, endpoint } from "./Endpoint.ts"
import { failureOf } from "./Failures.ts"
import { Transport } from "./Transport.ts"

/** How many instances are asked for at once. */
const pageSize = 1_000

/** Where the daemon of this machine listens, or the one of a state directory. */
const socketPath = Effect.gen(function*() {
  const env = (name: string) => Effect.orDie(Effect.map(Config.option(Config.String(name)), Option.getOrUndefined))
  const surroundings = {
    isRoot: process.getuid?.() === 0,
    runtimeDirectory: yield* env("XDG_RUNTIME_DIR"),
    home: yield* env("HOME")
  }
  return (stateDirectory?: string) => socketPathOf({ ...surroundings, stateDirectory })
})

const authorized = (token: Endpoint["token"]) =>
  HttpClient.mapRequest((request) =>
    token === undefined ? request : HttpClientRequest.bearerToken(request, Redacted.value(token))
  )

const query = ({ labels = [], name, prefix, states = [] }: Filter) =>
  ({
    ...(labels.length > 0 ? { label: labels } : {}),
    ...(states.length > 0 ? { state: tags.filter((tag) => states.includes(tag.toLowerCase())) } : {}),
    ...(name === undefined ? {} : { name: [name] }),
    ...(prefix === undefined ? {} : { prefix })
  }) satisfies { readonly [Key in keyof typeof ApiFilter]?: unknown }

const connect = Effect.gen(function*() {
  const transport = yield* Transport
  const socketOf = yield* socketPath
  const to = yield* endpoint(socketOf(), socketOf)
  const http = authorized(to.token)(yield* transport.http(to))
  // Each is made where it is used: to make all would take longer than most commands.
  const at = { httpClient: http, baseUrl: to.url }
  const instances = <const Name extends keyof Client["instances"]>(endpoint: Name) =>
    HttpApiClient.endpoint(Api, { group: "instances", endpoint, ...at })
  const node = <const Name extends keyof Client["node"]>(endpoint: Name) =>
    HttpApiClient.endpoint(Api, { group: "node", endpoint, ...at })

  const ask = Effect.mapError(failureOf(to))
  const tell = Stream.mapError(failureOf(to))
  /** A command that goes on without an answer is asked for by no command of viv. */
  const done = <A, E>(effect: Effect.Effect<A, E>) => Effect.asVoid(ask(effect))

  const removals = (command: "evacuate" | "reset") =>
    Stream.unwrap(
      Effect.map(
        ask(Effect.flatMap(node(command), (remove) => remove({ headers: {} }))),
        (answer) =>
          Stream.isStream(answer)
            ? tell(answer)
            : Stream.fail(failed("the daemon answered with an operation: ask again"))
      )
    )

  const list = (filter: Filter) =>
    Stream.paginate(undefined as string | undefined, (after) =>
      Effect.map(
        ask(
          Effect.flatMap(
            instances("list"),
            (list) => list({ query: { ...query(filter), limit: pageSize, ...(after === undefined ? {} : { after }) } })
          )
        ),
        ({ instances, next }): readonly [ReadonlyArray<InstanceInfo>, Option.Option<string | undefined>] => [
          instances,
          next === undefined ? Option.none() : Option.some(next)
        ]
      )).pipe(Stream.runCollect)

  return Daemon.of({
    endpoint: to,
    list,
    get: (reference) =>
      ask(
        Effect.flatMap(instances("get"), (get) => get({ params: { id: reference } }))
      ),
    create: (payload, { autoRemove }) =>
      Effect.flatMap(
        ask(Effect.flatMap(instances("create"), (create) =>
          create({
            query: { cancelOnDisconnect: true, ...(autoRemove ? { autoRemove } : {}) },
            headers: {},
            payload
          }))),
        (answer) =>
          "spec" in answer
            ? Effect.succeed(answer)
            : Effect.fail(failed("the daemon answered with an operation: ask again"))
      ),
    power: (id, power) => {
      const request = { params: { id }, headers: {} }
      return power === "start"
        ? done(
          Effect.flatMap(
            instances("start"),
            (start) => start({ ...request, query: {} })
          )
        )
        : done(
          Effect.flatMap(
            instances(power),
            (command) => command(request)
          )
        )
    },
    remove: (id) =>
      done(
        Effect.flatMap(instances("delete"), (remove) => remove({ params: { id }, headers: {} }))
      ),
    attach: (id, payload) =>
      done(
        Effect.flatMap(instances("attach"), (attach) => attach({ params: { id }, headers: {}, payload }))
      ),
    detach: (id, volume) =>
      done(
        Effect.flatMap(instances("detach"), (detach) =>
          detach({ params: { id, volume: VolumeId.make(volume) }, headers: {} }))
      ),
    log: (id, { follow, tailBytes }) =>
      Stream.unwrap(Effect.map(
        ask(Effect.flatMap(instances("logs"), (logs) =>
          logs({
            params: { id },
            query: { ...(follow ? { follow } : {}), ...(tailBytes === undefined ? {} : { tail: tailBytes }) }
          }))),
        tell
      )),
    console: (id) =>
      Effect.flatMap(
        transport.webSockets(to),
        (webSockets) =>
          Socket.makeWebSocket(`${to.url.replace(/^http/, "ws")}/v1/instances/${id}/console`, {
            ...(to.token === undefined ? {} : { headers: { authorization: `Bearer ${Redacted.value(to.token)}` } })
          }).pipe(Effect.provideService(Socket.WebSocketConstructor, webSockets))
      ),
    changes: ({ ids, labels = [] }, after) =>
      Stream.unwrap(Effect.map(
        ask(Effect.flatMap(HttpApiClient.endpoint(Api, { group: "events", endpoint: "events", ...at }), (follow) =>
          follow({
            query: { ...(ids === undefined ? {} : { instance: ids }), ...(labels.length > 0 ? { label: labels } : {}) },
            headers: after === undefined ? {} : { "last-event-id": after }
          }))),
        (events) =>
          tell(Stream.map(events, ({ data }) => data))
      )),
    status: ask(
      Effect.flatMap(node("status"), (status) => status())
    ),
    statistics: ask(
      Effect.flatMap(
        node("statistics"),
        (statistics) => statistics()
      )
    ),
    evacuate: removals("evacuate"),
    reset: removals("reset"),
    restore: done(
      Effect.flatMap(node("restore"), (restore) => restore())
    ),
    orphans: ask(
      Effect.flatMap(node("orphans"), (orphans) => orphans())
    ),
    destroyOrphan: (written) =>
      Effect.flatMap(
        Effect.mapError(Schema.decodeEffect(InstanceId)(written.toLowerCase()), (error) => failed(error.message)),
        (id) =>
          done(
            Effect.flatMap(
              node("destroyOrphan"),
              (destroy) => destroy({ params: { id } })
            )
          )
      ),
    doctor: ask(
      Effect.flatMap(node("doctor"), (doctor) => doctor())
    ),
    version: Effect.map(
      ask(
        Effect.flatMap(
          HttpApiClient.endpoint(Api, { group: "system", endpoint: "healthz", ...at }),
          (health) => health()
        )
      ),
      ({ version }) => version
    )
  })
})

/** Runs a command with its daemon. */
export const connected = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.provideServiceEffect(command, Daemon, connect))
