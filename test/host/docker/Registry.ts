/**
 * A registry of a test's own, beside an engine of its own: on the loopback that only that engine sees.
 */
import * as Fs from "node:fs"
import { Effect, FileSystem, Path } from "effect"
import * as Gate from "../Gate.ts"
import type { Companion, DockerEngine } from "./DockerEngine.ts"
import type { TestImage } from "./TestImages.ts"
import * as TestImages from "./TestImages.ts"

/** Whom a registry lets in that asks for credentials. */
export const user = { username: "vivarium", password: "open sesame" }

/** The line of `htpasswd -B` for that user: registries know no other hash than this. */
const passwordLine = "vivarium:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"

export interface Registry extends Companion {
  /** How an engine names an image that is here. */
  readonly reference: (image: TestImage) => string
  /** Puts an image here that the engine has. The engine keeps it under its old name alone. */
  readonly push: (image: TestImage) => Effect.Effect<void>
}

/** Where registries listen: every engine has a loopback of its own. */
const ports = { open: 5000, guarded: 5001, stalling: 5002 }

/** Where nobody does. */
export const unreachable = "127.0.0.1:5009"

/** What a pull of a layer gets before it stalls, in bytes. */
const stallBytes = 1_048_576

const configuration = (directory: string, kind: "guarded" | "open") => ({
  version: 0.1,
  log: { accesslog: { disabled: true }, level: "error" },
  storage: { filesystem: { rootdirectory: `${directory}/data` } },
  http: { addr: `127.0.0.1:${ports[kind]}` },
  ...kind === "guarded" ? { auth: { htpasswd: { realm: "vivarium", path: `${directory}/htpasswd` } } } : {}
})

/** Waits until somebody listens where that process sees the network. */
const listening = (pid: number, port: number) => {
  const line = `:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`
  return Gate.until(
    `nobody listens at port ${port}`,
    () => Fs.existsSync(`/proc/${pid}/net/tcp`) && Fs.readFileSync(`/proc/${pid}/net/tcp`, "utf8").includes(line)
  )
}

const address = (kind: keyof typeof ports, image: TestImage) => `127.0.0.1:${ports[kind]}/${image}`

/** A registry that is empty, as long as the scope is open. A guarded one lets only {@link user} in, for anything. */
export const make = Effect.fn("Registry.make")(function*(engine: DockerEngine, kind: "guarded" | "open") {
  const fs = yield* FileSystem.FileSystem
  const directory = `${engine.directory}/registry-${kind}`
  yield* Effect.orDie(fs.makeDirectory(directory))
  yield* Effect.orDie(fs.writeFileString(`${directory}/htpasswd`, `${passwordLine}\n`))
  yield* Effect.orDie(fs.writeFileString(`${directory}/config.yml`, JSON.stringify(configuration(directory, kind))))
  const companion = yield* engine.beside("docker-registry", "serve", `${directory}/config.yml`)
  yield* listening(companion.pid, ports[kind])
  const { http } = engine
  const credentials = Buffer.from(JSON.stringify(user)).toString("base64url")
  return {
    ...companion,
    reference: (image) => `${address(kind, image)}:1`,
    push: (image) =>
      Effect.gen(function*() {
        const name = address(kind, image)
        yield* http.done(
          "POST",
          `/images/${TestImages.reference(image)}/tag?repo=${encodeURIComponent(name)}&tag=1`
        )
        const said = yield* http.done("POST", `/images/${name}/push?tag=1`, undefined, {
          "x-registry-auth": credentials
        })
        if (said.includes("errorDetail")) return yield* Effect.die(`${name} could not be pushed: ${said}`)
        yield* http.done("DELETE", `/images/${name}:1`)
      }).pipe(Effect.orDie)
  } satisfies Registry
})

/** A registry that has what the open one has, and stalls in the middle of every large layer until it is released. */
export const stalling = Effect.fn("Registry.stalling")(function*(engine: DockerEngine) {
  const path = yield* Path.Path
  const program = yield* Effect.orDie(path.fromFileUrl(new URL("stall.ts", import.meta.url)))
  const stalled = `${engine.directory}/stalled`
  const { pid } = yield* engine.beside(
    process.execPath,
    program,
    `${ports.stalling}`,
    `${ports.open}`,
    `${stallBytes}`,
    stalled
  )
  yield* listening(pid, ports.stalling)
  return {
    reference: (image: TestImage) => `${address("stalling", image)}:1`,
    /** Completes when something has stalled. */
    stalled: Gate.until("nothing has stalled", () => Fs.existsSync(stalled)),
    /** Lets go what stalls, and what comes later. */
    release: Gate.signal(pid, "SIGUSR2")
  }
})
