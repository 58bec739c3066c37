/**
 * Clients that mean harm, or are broken: whatever they do, others are answered.
 */
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import * as Net from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Schedule } from "effect"
import { inject } from "vitest"
import * as Programs from "../../host/Programs.ts"
import * as Rig from "./Rig.ts"

/** A connection that says something, and what it was answered until the daemon closed it. */
const raw = (socket: string, text: string, options: { readonly half?: boolean } = {}): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let answer = ""
    const connection = Net.createConnection({ path: socket, allowHalfOpen: true }, () => {
      connection.write(text)
      if (options.half === true) connection.end()
    })
    connection.on("data", (bytes) => answer += bytes.toString("latin1"))
    connection.on("error", () => {})
    connection.on("end", () => connection.destroy())
    connection.on("close", () => resume(Effect.succeed(answer)))
    return Effect.sync(() => connection.destroy())
  })

/**
 * A connection that asks for something and never reads, until the scope closes. Where the socket's backlog is full it is tried
 * again.
 */
const idle = (socket: string, text: string) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket, Error>((resume) => {
      const connection = Net.createConnection({ path: socket }, () => {
        connection.write(text)
        resume(Effect.succeed(connection))
      })
      connection.on("error", (error) => resume(Effect.fail(error)))
      connection.pause()
    }).pipe(Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 })),
    (connection) => Effect.sync(() => connection.destroy())
  )

/** Sends a text, whatever is in it. */
const send = (socketPath: string, type: string, text: string, path = "/v1/instances") =>
  Effect.callback<{ readonly status: number; readonly body: string }, Error>((resume) => {
    const request = Http.request({ socketPath, path, method: "POST", headers: { "content-type": type } })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.on("response", (response) => {
      let body = ""
      response.on("data", (bytes) => body += bytes.toString())
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
    })
    request.end(text)
  })

/** A text with bytes taken out, put in and repeated: always the same ones. */
const mutations = (text: string, count: number): ReadonlyArray<string> => {
  let state = 1
  const below = (bound: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return state % bound
  }
  const odd = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\n",
    "\\",
    "\u0000",
    "\u2028",
    "&a ",
    "*a",
    "!!",
    "- ",
    "0x1p9",
    "null",
    "\ud800",
    "%"
  ]
  return Array.from({ length: count }, () => {
    let mutated = text
    for (let times = 1 + below(3); times > 0; times--) {
      const at = below(mutated.length)
      const length = below(12)
      const middle = [odd[below(odd.length)], "", mutated.slice(at, at + length).repeat(3)][below(3)]
      mutated = mutated.slice(0, at) + middle + mutated.slice(at + length)
    }
    return mutated
  })
}

const memoryBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024

const limits = `limits:
  connectionsMax: 1500
  streamsMax: 100
  headersDeadline: 1 second
  requestDeadline: 2 seconds
  stallDeadline: 2 seconds
log: {level: info}
`

const start = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* Rig.directory
  yield* fs.writeFileString(`${directory}/vivd.yaml`, limits)
  return yield* Rig.start(`${directory}/state`, "--simulate", "true", "--config", `${directory}/vivd.yaml`)
})

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("hostile clients", (it) => {
  it.effect("slow headers, slow bodies and half-closed connections are ended in time; huge ones are refused", () =>
    Effect.gen(function*() {
      const daemon = yield* start
      const { socket } = daemon
      assert.match(yield* raw(socket, "GET /v1/instances HTTP/1.1\r\nhost: x\r\nx-slow: "), /^HTTP\/1.1 408|^$/)
      const slow =
        "POST /v1/instances HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
      assert.match(yield* raw(socket, slow), /^HTTP\/1.1 4\d\d|^$/)
      yield* raw(socket, slow, { half: true })
      yield* raw(socket, "GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n", { half: true })
      assert.match(yield* raw(socket, `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431/)
      assert.match(yield* raw(socket, "\u0016\u0003\u0001 no HTTP\r\n\r\n"), /^HTTP\/1.1 400/)
      const long = `{"name":"${"x".repeat(3_000_000)}"}`
      for (const path of ["/v1/instances", "/v1/instances/a1/volumes"]) {
        const huge = yield* send(socket, "application/json", long, path)
        assert.deepStrictEqual([path, huge.status, JSON.parse(huge.body).code], [path, 413, "payload_too_large"])
      }
      assert.strictEqual((yield* Rig.at(daemon)("/healthz")).status, 200)
    }).pipe(Effect.scoped))

  it.effect("a thousand followers that do not read are cut off, and their places are free again", () =>
    Effect.gen(function*() {
      const daemon = yield* start
      const vivd = Rig.at(daemon)
      // Enough that a snapshot does not fit into the buffers of a socket.
      const labels = { filler: "x".repeat(20_000) }
      const ids = Array.from({ length: 30 }, (_, index) => (index + 16).toString(16))
      const created = yield* Effect.forEach(
        ids,
        (id) => send(daemon.socket, "application/json", Rig.simulated(id, { labels })),
        { concurrency: "unbounded" }
      )
      assert.isTrue(created.every(({ status }) => status === 201))
      const before = memoryBytes(daemon.pid)
      yield* Effect.scoped(Effect.gen(function*() {
        const followers = (count: number) =>
          Effect.forEach(
            Array.from({ length: count }),
            () => idle(daemon.socket, "GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n"),
            { concurrency: count }
          )
        yield* followers(800)
        // The first of them may be cut off before one asks that has come too late: then more come.
        const full = yield* Effect.andThen(followers(100), vivd("/v1/instances/10/logs")).pipe(
          Effect.repeat({ until: ({ status }) => status === 429 })
        )
        yield* followers(100)
        assert.strictEqual(JSON.parse(full.body).code, "too_many")
        assert.strictEqual((yield* vivd("/v1/instances?limit=1")).status, 200)
        // While they still hold their connections.
        yield* vivd("/v1/instances/10/logs").pipe(Effect.repeat({ until: ({ status }) => status === 200 }))
        yield* vivd("/v1/instances/10/stop", "--request", "POST")
        assert.isBelow(memoryBytes(daemon.pid) - before, 500 * 2 ** 20)
      }))
      assert.strictEqual((yield* vivd("/readyz")).status, 200)
    }))

  it.effect("no JSON and no YAML, however odd, is anything but a problem or an instance", () =>
    Effect.gen(function*() {
      const daemon = yield* start
      const valid = Rig.simulated("a1", {
        name: "web",
        volumes: [{ id: "d1" }],
        cloudInit: { dataSource: "nocloud", userData: "x" }
      })
      const texts = [
        ...mutations(valid, 120),
        "",
        "@/etc/passwd",
        "[".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "&a [*a, *a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]",
        "{\"__proto__\":{\"id\":\"a1\"}}",
        "!!js/function 'x'",
        "\u0000\u0001",
        "id: a1\nid: a1",
        "{\"id\":\"a1\",\"memory\":\"64 MiB\",\"boot\":{\"kind\":\"kernel\",\"kernel\":\"../../etc/shadow\"},\"virtualizer\":\"simulation\"}"
      ]
      let refused = 0
      for (const text of texts) {
        for (const type of ["application/json", "application/yaml", "application/vnd.vivarium.start+yaml"]) {
          const { body, status } = yield* send(daemon.socket, type, text)
          // What is still a spec is an instance, or not what this node can run, without its files, or another's name.
          assert.include([201, 400, 409, 422, 501], status, `${type} ${text.slice(0, 200)} ${body.slice(0, 200)}`)
          if (status === 400) {
            refused++
            assert.match(JSON.parse(body).code, /^invalid_(payload|data)$/)
          }
        }
      }
      assert.isAbove(refused, texts.length)
      assert.isFalse((yield* daemon.log).some((line) => line.includes("a request failed")))
      assert.strictEqual((yield* Rig.at(daemon)("/readyz")).status, 200)
    }))
})
