/**
 * The daemon as a service: what its manager, its signals and those who watch it are told.
 */
import * as Http from "node:http"
import * as Net from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Queue, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { inject } from "vitest"
import * as Programs from "../../host/Programs.ts"
import * as Rig from "./Rig.ts"

/** What comes to a socket of datagrams, each as a line; Node has none. */
const datagrams = `
  use IO::Socket::UNIX; use Socket; $| = 1;
  my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
  print "listening\\n";
  while (defined $socket->recv(my $message, 65536)) { $message =~ s/\\n/ /g; print "$message\\n" }
`

/** A service manager at a socket: what it was told. */
const manager = Effect.fnUntraced(function*(socket: string) {
  const told = yield* Queue.unbounded<string>()
  const child = yield* ChildProcess.make("perl", ["-e", datagrams, socket], { stdin: "ignore", stderr: "inherit" })
  yield* child.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Queue.offer(told, line)),
    Effect.ignore,
    Effect.forkScoped
  )
  assert.strictEqual(yield* Queue.take(told), "listening")
  // Who tells it waits by a barrier until that was heard.
  return Effect.repeat(Queue.take(told), { until: (line) => line !== "BARRIER=1" })
})

/** Whether somebody listens at a socket. */
const isListening = (path: string) =>
  Effect.callback<boolean>((resume) => {
    const connection = Net.createConnection({ path }, () => {
      connection.destroy()
      resume(Effect.succeed(true))
    })
    connection.on("error", () => resume(Effect.succeed(false)))
  })

/** A request that never comes to its end, and that a daemon has begun to answer. */
const unfinished = (socketPath: string) =>
  Effect.acquireRelease(
    Effect.callback<Http.ClientRequest>((resume) => {
      const request = Http.request({
        socketPath,
        path: "/v1/instances",
        method: "POST",
        headers: { "content-type": "application/json", "content-length": "100", expect: "100-continue" }
      })
      request.on("error", () => {})
      request.on("continue", () => resume(Effect.succeed(request)))
      request.flushHeaders()
    }),
    (request) => Effect.sync(() => request.destroy())
  )

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("the daemon as a service", (it) => {
  it.effect("its manager is told that it is ready, that it is alive, and that it goes", () =>
    Effect.gen(function*() {
      const directory = yield* Rig.directory
      const next = yield* manager(`${directory}/notify`)
      const daemon = yield* Rig.startWith(
        { NOTIFY_SOCKET: `${directory}/notify`, WATCHDOG_USEC: "400000" },
        `${directory}/state`,
        "--simulate",
        "true"
      )
      assert.match(yield* next, /\bREADY=1\b/)
      assert.match(yield* next, /\bWATCHDOG=1\b/)
      assert.match(yield* next, /\bWATCHDOG=1\b/)
      yield* daemon.kill("SIGTERM")
      const last = yield* Effect.repeat(next, { until: (line) => !line.includes("WATCHDOG=1") })
      assert.match(last, /\bSTOPPING=1\b/)
      assert.strictEqual(yield* daemon.exit, 0)
    }))

  it.effect("SIGTERM: it stops accepting, waits for what is in progress until its deadline, and ends with 0", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.simulating("--shutdown-deadline", "500 millis")
      yield* unfinished(daemon.socket)
      yield* daemon.kill("SIGTERM")
      yield* Effect.repeat(isListening(daemon.socket), { until: (is) => !is, schedule: Schedule.spaced("10 millis") })
      assert.strictEqual(yield* daemon.exit, 0)
    }))

  it.effect("a second SIGTERM ends it at once", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.simulating("--shutdown-deadline", "10 minutes")
      yield* unfinished(daemon.socket)
      yield* daemon.kill("SIGTERM")
      yield* Effect.repeat(isListening(daemon.socket), { until: (is) => !is, schedule: Schedule.spaced("10 millis") })
      yield* daemon.kill("SIGTERM")
      assert.strictEqual(yield* daemon.exit, 143)
    }))

  it.effect("Prometheus is told of instances, of what they hold, of commands and of phases", () =>
    Effect.gen(function*() {
      const vivd = Rig.at(yield* Rig.simulating())
      yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a1")))
      yield* vivd("/v1/instances/a1/pause", "--request", "POST")
      const { body, headers } = yield* vivd("/metrics")
      assert.match(headers, /content-type: text\/plain; version=0\.0\.4/i)
      for (const line of body.trim().split("\n")) {
        assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+-]+)$/)
      }
      for (
        const line of [
          "vivarium_instances{state=\"Paused\"} 1",
          "vivarium_reserved{resource=\"memory_bytes\"} 67108864",
          "# TYPE vivarium_operations_total counter",
          "# TYPE vivarium_phase_seconds histogram"
        ]
      ) assert.include(body, line)
    }))

  it.effect("what the node lacks is told, with the command that mends it", () =>
    Effect.gen(function*() {
      const { stdout } = yield* Rig.vivd("doctor", "--state-dir", yield* Rig.directory)
      const names = ["qemu", "qemu-img", "kvm", "docker", "iso", "firmware", "cgroups", "descriptors", "disk"]
      for (const name of names) assert.match(stdout, new RegExp(`^${name} +(ok|warning|missing|unknown) +\\S`, "m"))
      const fs = yield* FileSystem.FileSystem
      const { join } = yield* Path.Path
      const directory = yield* Rig.directory
      // A node with nothing but Node.
      const bare = join(directory, "bin")
      yield* fs.makeDirectory(bare)
      yield* fs.symlink(process.execPath, join(bare, "node"))
      const { vivd } = yield* Programs.Programs
      const lacking = yield* Rig.run(
        "env",
        "-i",
        `PATH=${bare}`,
        process.execPath,
        vivd,
        "doctor",
        "--state-dir",
        directory
      )
      assert.strictEqual(lacking.code, 1)
      assert.match(lacking.stdout, /^qemu +missing +.*\n +apt-get install .*qemu-system-x86$/m)
    }))

  it.effect("traces and metrics are sent to an OTLP endpoint", () =>
    Effect.gen(function*() {
      const received = yield* Queue.unbounded<{ readonly path: string; readonly body: string }>()
      const server = yield* Effect.acquireRelease(
        Effect.callback<Http.Server>((resume) => {
          const server = Http.createServer((request, response) => {
            let body = ""
            request.on("data", (bytes) => body += bytes.toString())
            request.on("end", () => {
              Queue.offerUnsafe(received, { path: request.url ?? "", body })
              response.end("{}")
            })
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const daemon = yield* Rig.simulating("--otlp", `http://127.0.0.1:${port}`)
      yield* Rig.at(daemon)("/v1/instances", ...Rig.post(Rig.simulated("a1")))
      // What it still holds is sent before it ends.
      yield* daemon.kill("SIGTERM")
      assert.strictEqual(yield* daemon.exit, 0)
      const all = yield* Queue.takeAll(received)
      const sent = (path: string) => all.filter((one) => one.path === path).map(({ body }) => body).join("\n")
      assert.include(sent("/v1/traces"), "\"vivd\"")
      assert.match(sent("/v1/traces"), /Launcher\.start/)
      assert.include(sent("/v1/metrics"), "vivarium_operations_total")
    }))
})
