/**
 * The daemon as its operators meet it: over its unix socket with curl, and by signals.
 */
import { assert, layer } from "@effect/vitest"
import { WebSocket } from "@effect/platform-node/NodeWS"
import { Effect, Fiber, FileSystem, Schedule } from "effect"
import { inject } from "vitest"
import * as Programs from "../../host/Programs.ts"
import * as VivRig from "../cli/VivRig.ts"
import * as Rig from "./Rig.ts"

const code = (body: string): unknown => JSON.parse(body).code

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("the daemon", (it) => {
  it.effect("an instance is created from JSON, from YAML and from a START payload, by the media type, and found by its name", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.start(yield* Rig.directory, "--simulate", "true")
      const vivd = Rig.at(daemon)
      const json = yield* vivd(
        "/v1/instances",
        ...Rig.post(Rig.simulated("a1", { name: "web", labels: { tier: "front" } }))
      )
      assert.strictEqual(json.status, 201)
      const yaml = yield* vivd(
        "/v1/instances",
        ...Rig.post(
          "id: B2\nvirtualizer: simulation\nmemory: 64 MiB\nboot: {kind: kernel, kernel: /k}\nlabels: {tier: back}\n",
          "application/yaml"
        )
      )
      assert.strictEqual(JSON.parse(yaml.body).state._tag, "Running")
      const payload =
        "---\nstart:\n  instance_uuid: c3\n  storage:\n    - {id: d1, boot: true}\n...\n---\n...\n---\n{}\n...\n"
      const start = yield* vivd("/v1/instances", ...Rig.post(payload, "application/vnd.vivarium.start+yaml"))
      // It asks for qemu, which this node does not have.
      assert.deepStrictEqual([start.status, code(start.body)], [501, "not_supported"])
      const other = yield* vivd("/v1/instances", ...Rig.post("{}", "text/html"))
      assert.deepStrictEqual([other.status, code(other.body)], [415, "unsupported_media_type"])
      assert.strictEqual(JSON.parse((yield* vivd("/v1/instances/web")).body).spec.id, "a1")
      const listed = yield* vivd("/v1/instances?label=tier=back&state=Running")
      assert.deepStrictEqual(JSON.parse(listed.body).instances.map((one: { spec: { id: string } }) => one.spec.id), [
        "b2"
      ])
      const page = JSON.parse((yield* vivd("/v1/instances?limit=1")).body)
      assert.strictEqual(page.next, "a1")
      const rest = JSON.parse((yield* vivd(`/v1/instances?limit=1&after=${page.next}`)).body)
      assert.deepStrictEqual([rest.instances[0].spec.id, rest.next], ["b2", undefined])
    }))

  it.effect("what is wrong is told as a problem that names the field, and no value", () =>
    Effect.gen(function*() {
      const vivd = Rig.at(yield* Rig.start(yield* Rig.directory, "--simulate", "true"))
      const spec = yield* vivd(
        "/v1/instances",
        ...Rig.post(Rig.simulated("a1", { cloudInit: { dataSource: "s3cret" } }))
      )
      assert.strictEqual(spec.status, 400)
      assert.include(spec.headers.toLowerCase(), "application/problem+json")
      assert.deepStrictEqual(JSON.parse(spec.body).fields.map(({ path }: { path: string }) => path), [
        "cloudInit.dataSource"
      ])
      assert.notInclude(spec.body, "s3cret")
      const query = yield* vivd("/v1/instances?limit=many")
      assert.deepStrictEqual(JSON.parse(query.body).fields[0].path, "query.limit")
      const id = yield* vivd("/v1/instances/nobody")
      assert.deepStrictEqual([id.status, code(id.body)], [404, "no_instance"])
      const path = yield* vivd("/v2")
      assert.deepStrictEqual([path.status, code(path.body)], [404, "not_found"])
      const volume = yield* vivd("/v1/instances/a1/volumes", ...Rig.post("{\"id\":7}"))
      assert.deepStrictEqual([volume.status, JSON.parse(volume.body).fields[0].path], [400, "id"])
    }))

  it.effect("a command is answered at once where that is asked for; the same key is the same command", () =>
    Effect.gen(function*() {
      const vivd = Rig.at(yield* Rig.start(yield* Rig.directory, "--simulate", "true"))
      const keyed = ["--header", "idempotency-key: k1", "--header", "prefer: respond-async"]
      const first = yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a1")), ...keyed)
      assert.strictEqual(first.status, 202)
      const { operation } = JSON.parse(first.body)
      assert.include(first.headers, `/v1/operations/${operation}`)
      const again = yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a1")), ...keyed)
      assert.strictEqual(JSON.parse(again.body).operation, operation)
      const another = yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a2")), ...keyed)
      assert.deepStrictEqual([another.status, code(another.body)], [409, "idempotency_mismatch"])
      // Waiting for the same command is to be told its end.
      const waited = yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a1")), "--header", "idempotency-key: k1")
      assert.strictEqual(waited.status, 201)
      const ended = JSON.parse((yield* vivd(`/v1/operations/${operation}`)).body)
      assert.deepStrictEqual([ended.state, ended.result.state._tag], ["done", "Running"])
      assert.strictEqual((yield* vivd("/v1/operations/other")).status, 404)
    }))

  it.effect("the socket is its owner's and its group's; one that was left by a killed daemon is replaced", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* Rig.directory
      const killed = yield* Rig.start(directory, "--simulate", "true", "--socket-group", "daemon")
      const { gid, mode } = yield* fs.stat(killed.socket)
      assert.strictEqual(mode & 0o777, 0o660)
      assert.strictEqual(gid._tag === "Some" && gid.value, 1)
      const second = yield* Rig.vivd("--state-dir", directory, "--simulate", "true")
      assert.strictEqual(second.code, 1)
      assert.match(second.stderr, new RegExp(`pid ${killed.pid}`))
      yield* killed.kill("SIGKILL")
      assert.strictEqual(yield* killed.exit, "signal")
      assert.isTrue(yield* fs.exists(killed.socket))
      const next = yield* Rig.start(directory, "--simulate", "true")
      assert.strictEqual((yield* Rig.at(next)("/readyz")).status, 200)
    }))

  it.effect("SIGTERM ends followers and the daemon, with 0, and leaves no socket", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const daemon = yield* Rig.start(yield* Rig.directory, "--simulate", "true")
      const follower = yield* Effect.forkScoped(
        Rig.run("curl", "-sN", "--max-time", "60", "--unix-socket", daemon.socket, "http://vivd/v1/events")
      )
      yield* Rig.at(daemon)("/v1/instances", ...Rig.post(Rig.simulated("a1")))
      yield* daemon.kill("SIGTERM")
      assert.strictEqual(yield* daemon.exit, 0)
      const { code, stdout } = yield* Fiber.join(follower)
      assert.strictEqual(code, 0)
      assert.include(stdout, "event: Snapshot")
      assert.isFalse(yield* fs.exists(daemon.socket))
    }))

  it.effect("events go on where a follower was, and are told by their instance", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.start(yield* Rig.directory, "--simulate", "true")
      const vivd = Rig.at(daemon)
      yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("a1")))
      yield* vivd("/v1/instances", ...Rig.post(Rig.simulated("b2")))
      /** What a follower is told until it is told this. */
      const follow = (until: string, ...args: ReadonlyArray<string>) =>
        Effect.scoped(Effect.flatMap(
          VivRig.spawn("curl", ["-sN", "--unix-socket", daemon.socket, ...args], { PATH: process.env["PATH"] ?? "" }),
          ({ says }) => says(until)
        ))
      const told = yield* follow("Running", "http://vivd/v1/events?instance=b2", "--header", "last-event-id: 1:0")
      const events = told.split("\n").filter((line) => line.startsWith("data: ")).map((line) =>
        JSON.parse(line.slice(6))
      )
      assert.isTrue(events.length > 0 && events.every(({ event }) => event.id === "b2"))
      assert.strictEqual(events[0].event.change._tag, "Added")
      const stranger = yield* follow("event: Snapshot", "http://vivd/v1/events", "--header", "last-event-id: 9:9")
      assert.include(stranger, "event: Lagged")
      const wrong = yield* vivd("/v1/events", "--header", "last-event-id: yesterday")
      assert.strictEqual(JSON.parse(wrong.body).fields[0].path, "headers.last-event-id")
    }))

  it.effect("the configuration is checked by its fields, and shown as it is used", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* Rig.directory
      const file = `${directory}/vivd.yaml`
      yield* fs.writeFileString(file, "log: {format: xml}\nqemu: {rots: [/images]}\ntcp: {port: 99999}\n")
      const wrong = yield* Rig.vivd("config", "check", "--config", file)
      assert.strictEqual(wrong.code, 1)
      for (const field of ["log.format", "qemu.rots", "tcp.port"]) assert.include(wrong.stderr, field)
      yield* fs.writeFileString(
        file,
        "log: {format: json}\nqemu: {roots: [/images]}\nlauncher: {commandDeadline: 5 minutes}\n"
      )
      assert.strictEqual((yield* Rig.vivd("config", "check", "--config", file)).code, 0)
      const shown = JSON.parse((yield* Rig.vivd("config", "show", "--config", file, "--log-at", "debug")).stdout)
      assert.deepStrictEqual([shown.log, shown.qemu.roots], [{ format: "json", level: "debug" }, ["/images"]])
      // Flags say more than the environment, and that more than the file.
      const { vivd } = yield* Programs.Programs
      const variables = ["VIVD_LOG_FORMAT=text", "VIVD_LOG_AT=error", `VIVD_CONFIG=${file}`]
      const surrounded = (...args: ReadonlyArray<string>) =>
        Rig.run("env", ...variables, process.execPath, vivd, ...args)
      const merged = JSON.parse((yield* surrounded("config", "show", "--log-at", "warning")).stdout)
      assert.deepStrictEqual([merged.log, merged.qemu.roots], [{ format: "text", level: "warning" }, ["/images"]])
      assert.strictEqual(merged.launcher.limits.vcpusPerCpu, 16)
      variables.push("VIVD_LOGFORMAT=json")
      assert.include((yield* surrounded("config", "check")).stderr, "VIVD_LOGFORMAT: no such setting")
      const beyond = yield* Rig.vivd(
        "--state-dir",
        directory,
        "--simulate",
        "true",
        "--tcp-host",
        "0.0.0.0",
        "--tcp-port",
        "0"
      )
      assert.deepStrictEqual([beyond.code, beyond.stderr.includes("at least one token")], [1, true])
    }))

  it.effect("a console takes a place for as long as somebody is at it", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* Rig.directory
      yield* fs.writeFileString(`${directory}/vivd.yaml`, "limits: {streamsMax: 1}")
      const daemon = yield* Rig.start(directory, "--simulate", "true", "--config", `${directory}/vivd.yaml`)
      yield* Rig.at(daemon)("/v1/instances", ...Rig.post(Rig.simulated("a1")))
      const opened = Effect.acquireRelease(
        Effect.callback<WebSocket, Error>((resume) => {
          const socket = new WebSocket(`ws+unix://${daemon.socket}:/v1/instances/a1/console`)
          socket.on("open", () => resume(Effect.succeed(socket)))
          socket.on("error", (error) => resume(Effect.fail(error)))
        }),
        (socket) => Effect.sync(() => socket.terminate())
      )
      for (let times = 0; times < 3; times++) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Effect.retry(opened, { schedule: Schedule.spaced("20 millis"), times: 100 })
          const refused = yield* Rig.at(daemon)("/v1/instances/a1/logs")
          assert.deepStrictEqual([refused.status, code(refused.body)], [429, "too_many"])
        }))
      }
    }))

  it.effect("each change is told in a line of the log, as JSON where that is asked for", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.start(yield* Rig.directory, "--simulate", "true", "--log-format", "json")
      yield* Rig.at(daemon)("/v1/instances?autoRemove=true", ...Rig.post(Rig.simulated("a1")))
      yield* Rig.at(daemon)("/v1/instances")
      yield* daemon.says("audit")
      const lines = (yield* daemon.log).map((line) => JSON.parse(line)).filter(({ message }) => message === "audit")
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations), [
        { by: "unix socket", method: "POST", path: "/v1/instances", status: 201 }
      ])
    }))

  it.effect("a client that goes away cancels nothing, unless it asked for that", () =>
    Effect.gen(function*() {
      const daemon = yield* Rig.start(yield* Rig.directory, "--simulate", "true")
      const vivd = Rig.at(daemon)
      /** What becomes of an instance whose creator goes as soon as it is there, and whether it was still being started then. */
      const abandoned = Effect.fnUntraced(function*(id: string, query: string) {
        const creation = yield* Rig.begin(daemon, `/v1/instances${query}`, Rig.simulated(id))
        const there = yield* Effect.repeat(vivd(`/v1/instances/${id}`), { until: ({ status }) => status === 200 })
        const state = JSON.parse(there.body).state._tag
        creation.destroy()
        const settled = yield* Effect.repeat(vivd(`/v1/instances/${id}`), {
          until: ({ body, status }) => status === 404 || JSON.parse(body).state._tag === "Running"
        })
        return { wasStarting: state !== "Running", isThere: settled.status === 200 }
      })
      const goesOn = yield* abandoned("a1", "")
      assert.isTrue(goesOn.isThere)
      // A start that came about meanwhile is not taken back: until one is met in time.
      let index = 0
      const withdrawn = yield* Effect.repeat(
        Effect.suspend(() => abandoned(`b${++index}`, "?cancelOnDisconnect=true")),
        { until: ({ isThere }) => !isThere, times: 20 }
      )
      assert.deepStrictEqual(withdrawn, { wasStarting: true, isThere: false })
      assert.strictEqual(JSON.parse((yield* vivd("/v1/instances/a1")).body).state._tag, "Running")
    }))
})
