/**
 * What the daemon costs, and how fast it answers: as it is bundled, over its unix socket.
 */
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import { Clock, Effect, FileSystem, Path, Schedule } from "effect"
import * as Limits from "../../src/launcher/Limits.ts"
import * as TinyGuest from "../guest/TinyGuest.ts"
import * as Programs from "../host/Programs.ts"
import * as Rig from "../integration/daemon/Rig.ts"
import { median, row, timed } from "./Row.ts"
import { followers } from "./sse.ts"

/** What libvirtd takes to have hold of twenty guests again, its start included, where that was measured. */
const libvirtdMillis = 184

/** As they were built. */
const programs = Programs.layer("dist/bin")

const many = 10_000

/** Keeps connections, so that what is measured is the daemon. */
const client = (socketPath: string) => {
  const agent = new Http.Agent({ keepAlive: true, maxSockets: 512 })
  return (method: string, path: string, body?: string) =>
    Effect.callback<string, Error>((resume) => {
      const request = Http.request({ socketPath, agent, path, method, headers: { "content-type": "application/json" } })
      request.on("error", (error) => resume(Effect.fail(error)))
      request.on("response", (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString()
          resume(
            (response.statusCode ?? 500) < 400
              ? Effect.succeed(text)
              : Effect.fail(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
          )
        })
      })
      request.end(body)
    })
}

const memoryBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]

const idOf = (index: number): string => `be9c-${index.toString(16).padStart(6, "0")}`

/** A daemon that admits as many as are asked for. */
const daemon = Effect.fnUntraced(function*(directory: string, config: object, ...args: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFileString(
    `${directory}/vivd.yaml`,
    JSON.stringify({ launcher: { limits: Limits.none }, log: { level: "info" }, ...config })
  )
  return yield* Rig.start(`${directory}/state`, "--config", `${directory}/vivd.yaml`, ...args)
})

/** `api-page-100`, `api-list-10k`, `api-create` and half of `daemon-memory`: ten thousand simulated instances. */
export const api = Effect.gen(function*() {
  const { pid, socket } = yield* daemon(yield* Rig.directory, {}, "--simulate", "true")
  const ask = client(socket)
  yield* ask("GET", "/v1/node")
  yield* Effect.sleep("1 second")
  const idle = memoryBytes(pid)
  const creates: Array<number> = []
  const created = yield* timed(Effect.forEach(
    Array.from({ length: many }, (_, index) => index),
    (index) =>
      Effect.map(
        timed(
          ask("POST", "/v1/instances", Rig.simulated(idOf(index), { name: `vm-${index}x`, labels: { n: `${index}` } }))
        ),
        ({ millis }) => creates.push(millis)
      ),
    { concurrency: 400, discard: true }
  ))
  const held = memoryBytes(pid)
  const repeat = (count: number, path: string) =>
    Effect.forEach(Array.from({ length: count }), () => Effect.map(timed(ask("GET", path)), ({ millis }) => millis))
  yield* repeat(50, `/v1/instances/${idOf(7)}`)
  const gets = yield* timed(repeat(1_000, `/v1/instances/${idOf(7)}`))
  yield* repeat(20, "/v1/instances?limit=100")
  const pages = yield* repeat(100, `/v1/instances?limit=100&after=${idOf(5_000)}`)
  yield* repeat(2, "/v1/instances")
  const lists = yield* repeat(10, "/v1/instances")
  return [
    row("api-get.p99", "ms", percentile(gets.value, 0.99)),
    row("api-get.mean", "ms", gets.millis / gets.value.length),
    row("api-page-100", "ms", median(pages), 10),
    row("api-list-10k", "ms", median(lists), 300),
    row("api-create", "ms", created.millis / many),
    row("daemon-memory.idle", "B", idle),
    row("daemon-memory.each-of-10k", "B", (held - idle) / many)
  ]
}).pipe(Effect.scoped, Effect.provide(programs))

/** `sse-1000`: a thousand followers, told of all that happens to paused and resumed instances; a bare server does as much. */
export const sse = Effect.gen(function*() {
  const { socket } = yield* daemon(yield* Rig.directory, {}, "--simulate", "true")
  const ask = client(socket)
  const ids = Array.from({ length: 100 }, (_, index) => idOf(index))
  yield* Effect.forEach(ids, (id) => ask("POST", "/v1/instances", Rig.simulated(id)), { concurrency: 50 })
  const load = Effect.forEach(
    ids,
    (id) =>
      Effect.forEach(
        Array.from({ length: 20 }, (_, index) => index % 2 === 0 ? "pause" : "resume"),
        (what) => ask("POST", `/v1/instances/${id}/${what}`)
      ),
    { concurrency: "unbounded", discard: true }
  )
  const ours = yield* followers(socket, 1_000, load)
  const bare = yield* followers(undefined, 1_000, Effect.void)
  return [
    row("sse-1000", "ratio", bare.perSecond / ours.perSecond),
    row("sse-1000.per-delivery", "µs", 1e6 / ours.perSecond),
    row("sse-1000.bare-per-delivery", "µs", 1e6 / bare.perSecond),
    row("sse-1000.lagged", "ratio", ours.lagged, 0)
  ]
}).pipe(Effect.scoped, Effect.provide(programs))

/** `daemon-restart-20`: from `kill -9` of a daemon of twenty paused guests until the next one has them all. */
export const restart = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const directory = yield* Rig.directory
  const guests = join(directory, "guests")
  yield* fs.makeDirectory(guests, { mode: 0o755 })
  const { commandLine, initrd, kernel } = yield* TinyGuest.copyTo(guests)
  const config = { qemu: { roots: [guests], accelerator: "tcg", runtimeDirectory: join(directory, "run") } }
  let current = yield* daemon(directory, config)
  const ask = client(current.socket)
  const ids = Array.from({ length: 20 }, (_, index) => idOf(index))
  for (const id of ids) {
    yield* ask(
      "POST",
      "/v1/instances",
      JSON.stringify({ id, memory: "96 MiB", boot: { kind: "kernel", kernel, initrd, commandLine } })
    )
    yield* ask("POST", `/v1/instances/${id}/pause`)
  }
  const held = memoryBytes(current.pid)
  const times: Array<number> = []
  for (let round = 0; round < 12; round++) {
    yield* current.kill("SIGKILL")
    const began = yield* Clock.monotonicTimeNanos
    yield* current.exit
    current = yield* daemon(directory, config)
    const all = yield* client(current.socket)("GET", "/v1/instances?state=Paused")
    const millis = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6
    if (JSON.parse(all).instances.length !== ids.length) return yield* Effect.die(new Error(`not adopted: ${all}`))
    if (round >= 2) times.push(millis)
  }
  yield* client(current.socket)("POST", "/v1/node/reset").pipe(Effect.retry(Schedule.recurs(2)))
  return [
    row("daemon-restart-20", "ms", median(times), libvirtdMillis),
    row("daemon-memory.with-20-vms", "B", held)
  ]
}).pipe(Effect.scoped, Effect.provide(programs))
