/**
 * A daemon that is killed again and again, at random moments under a load of starts, stops and deletes of real guests, and of
 * simulated ones, which are gone with it. After each time: what was answered is so, the guests that nobody touched are the same
 * processes, and nothing else is left.
 */
import * as Http from "node:http"
import { Effect, Exit, Fiber, FileSystem, Path, Random } from "effect"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { killGuests } from "../../host/killGuests.ts"
import * as Rig from "./Rig.ts"

interface Answer {
  readonly status: number
  readonly body: string
}

/** Asks a daemon for something. Fails when it goes before it has answered. */
const ask = (socketPath: string, method: string, path: string, body?: string) =>
  Effect.callback<Answer, Error>((resume) => {
    const request = Http.request({
      socketPath,
      path,
      method,
      headers: { "content-type": "application/json" },
      agent: false
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    request.on("response", (response) => {
      let text = ""
      response.on("data", (bytes) => text += bytes.toString())
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body: text })))
    })
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** What is known of an instance by the answers about it. */
type Known = "there" | "gone" | "either"

const keepers = ["aa01", "aa02"]
const others = ["bb01", "bb02"]
const simulated = ["cc01", "cc02", "cc03", "cc04"]

/** What is wrong after a kill; empty where nothing is. */
export const rounds = Effect.fnUntraced(function*(count: number) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const directory = yield* Rig.directory
  const state = join(directory, "state")
  yield* killGuests(state)
  const guests = join(directory, "guests")
  yield* fs.makeDirectory(guests, { mode: 0o755 })
  const guest = yield* TinyGuest.copyTo(guests)
  yield* fs.writeFileString(
    join(directory, "vivd.yaml"),
    JSON.stringify({
      virtualizers: ["qemu", "simulation"],
      qemu: { roots: [guests], accelerator: "tcg", runtimeDirectory: join(directory, "run") },
      launcher: { limits: { memory: null, disk: null, vcpusPerCpu: null } }
    })
  )
  const start = Rig.start(state, "--config", join(directory, "vivd.yaml"))
  const spec = (id: string) =>
    JSON.stringify({
      id,
      memory: "96 MiB",
      stopGrace: "0 seconds",
      virtualizer: simulated.includes(id) ? "simulation" : "qemu",
      boot: { kind: "kernel", kernel: guest.kernel, initrd: guest.initrd, commandLine: guest.commandLine }
    })
  const found = Effect.map(
    QemuDiscovery.scan(state),
    (all) => new Map(all.map(({ found }) => [found.id as string, found.handle]))
  )

  let daemon = yield* start
  const known = new Map<string, Known>()
  for (const id of keepers) {
    const { body, status } = yield* ask(daemon.socket, "POST", "/v1/instances", spec(id))
    if (status !== 201) return yield* Effect.die(new Error(body))
    known.set(id, "there")
  }
  const first = yield* found
  const problems: Array<string> = []
  let answered = 0

  /** One client's load on its instance, until the daemon is gone. */
  const load = Effect.fnUntraced(function*(socket: string, id: string) {
    while (true) {
      const before = known.get(id) ?? "gone"
      const what = yield* Random.nextIntBetween(0, 3)
      const method = what === 2 ? "DELETE" : "POST"
      const path = what === 0 ? "/v1/instances" : `/v1/instances/${id}${what === 1 ? "/stop" : ""}`
      // A stop neither makes nor removes one.
      if (what !== 1) known.set(id, "either")
      const { body, status } = yield* ask(socket, method, path, what === 0 ? spec(id) : undefined)
      answered++
      if (what === 0 && status === 201) known.set(id, "there")
      else if (what === 2 && (status === 204 || status === 404)) known.set(id, "gone")
      else if (what === 0) known.set(id, before === "there" ? "there" : "either")
      if (status >= 500) problems.push(`${method} ${path}: ${status} ${body}`)
    }
  })

  for (let round = 1; round <= count; round++) {
    const { kill, pid, socket } = daemon
    const clients = yield* Effect.forEach(
      [...others, ...simulated],
      (id) => Effect.forkChild(Effect.exit(load(socket, id)))
    )
    yield* Effect.sleep(yield* Random.nextIntBetween(50, 4_000))
    yield* kill("SIGKILL")
    yield* daemon.exit
    const ends = yield* Effect.forEach(clients, Fiber.join)
    if (ends.some(Exit.isSuccess)) problems.push(`round ${round}: a client was not told that the daemon was gone`)
    daemon = yield* start
    if (daemon.pid === pid) problems.push("it is the same daemon")
    const { instances } = JSON.parse((yield* ask(daemon.socket, "GET", "/v1/instances")).body) as {
      readonly instances: ReadonlyArray<{ spec: { id: string }; state: { _tag: string }; starts: number }>
    }
    const told = new Map(instances.map((instance) => [instance.spec.id, instance]))
    for (const [id, fact] of known) {
      if (fact === "there" && !told.has(id)) problems.push(`round ${round}: ${id} was answered, and is lost`)
      if (fact === "gone" && told.has(id)) problems.push(`round ${round}: ${id} was deleted, and is back`)
    }
    const running = yield* found
    for (const id of keepers) {
      const instance = told.get(id)
      if (instance?.state._tag !== "Running" || instance.starts !== 1 || running.get(id) !== first.get(id)) {
        problems.push(
          `round ${round}: ${id} was ${first.get(id)}, and is ${running.get(id)}: ${JSON.stringify(instance)}`
        )
      }
    }
    const orphans = JSON.parse((yield* ask(daemon.socket, "GET", "/v1/node/orphans")).body) as ReadonlyArray<unknown>
    if (orphans.length > 0) problems.push(`round ${round}: orphans ${JSON.stringify(orphans)}`)
  }

  const { body } = yield* ask(daemon.socket, "POST", "/v1/node/reset")
  const left = yield* found
  if (left.size > 0 || !body.includes("\"Done\"")) problems.push(`the reset left ${left.size} guests: ${body}`)
  yield* daemon.kill("SIGTERM")
  if ((yield* daemon.exit) !== 0) problems.push("the daemon did not end in order")
  return { problems, answered }
})
