/**
 * Where an engine is, as Docker's own tools are told: DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.
 * https://docs.docker.com/reference/cli/docker/#environment-variables
 */
import { Config, Effect, FileSystem, Option, Path } from "effect"
import { BadEndpoint, type EngineError, fail } from "./EngineError.ts"

/** What a platform's HTTP client needs to connect: a unix socket, or TLS; nothing for plain TCP. */
export interface ConnectOptions {
  readonly socketPath?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** False where the engine's certificate is not to be checked. */
  readonly rejectUnauthorized?: boolean
}

/** An engine's address, and how to connect to it. */
export interface EngineEndpoint {
  /** For people, such as `unix:///run/docker.sock`. */
  readonly address: string
  /** The origin of its URLs. Over a unix socket it names no host. */
  readonly origin: string
  readonly connect: ConnectOptions
}

const bad = (detail: string): Effect.Effect<never, EngineError> => Effect.fail(fail(new BadEndpoint({ detail })))

/** An engine that listens on a unix socket of this host. The path is absolute, and at most 107 bytes long. */
export const unix = (socketPath: string): EngineEndpoint => ({
  address: `unix://${socketPath}`,
  origin: "http://localhost",
  connect: { socketPath }
})

/** TLS as DOCKER_TLS_VERIFY and DOCKER_CERT_PATH ask for it. */
export interface Tls {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What a port is where an address has none: 2376 with TLS, 2375 without. */
const withPort = (host: string, tls: boolean): string => /:\d+$/.test(host) ? host : `${host}:${tls ? 2376 : 2375}`

/**
 * Reads an address such as `unix:///run/docker.sock` or `tcp://10.0.0.1:2376`. `http` and `https` stand for `tcp`. Fails with
 * `BadEndpoint`, which says what is wrong with it.
 */
export const parse = (address: string, tls?: Tls): Effect.Effect<EngineEndpoint, EngineError> => {
  const match = /^([a-z]+):\/\/(.*)$/.exec(address)
  const [, scheme = "", rest = ""] = match ?? []
  switch (scheme) {
    case "unix":
      if (!rest.startsWith("/")) {
        return bad(`DOCKER_HOST ${address}: write the socket's path in full, as in unix:///x.sock`)
      }
      if (new TextEncoder().encode(rest).length > 107) {
        return bad(`DOCKER_HOST ${address}: the path is longer than a socket's may be (107 bytes): use a shorter one`)
      }
      return Effect.succeed(unix(rest))
    case "tcp":
    case "http":
    case "https": {
      const host = rest.replace(/\/$/, "")
      if (host === "" || /[/?#@\s]/.test(host)) return bad(`DOCKER_HOST ${address}: write it as tcp://HOST:PORT`)
      const isTls = tls !== undefined || scheme === "https"
      return Effect.succeed({
        address,
        origin: `${isTls ? "https" : "http"}://${withPort(host, isTls)}`,
        connect: tls ?? {}
      })
    }
    default:
      return bad(
        `DOCKER_HOST ${address}: only unix:// and tcp:// are spoken: ` +
          "for an engine behind ssh, forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST)"
      )
  }
}

const readTls = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const read = (name: string) =>
    Effect.mapError(
      fs.readFileString(join(directory, name)),
      (error) => fail(new BadEndpoint({ detail: `${join(directory, name)} can not be read: ${error.message}` }))
    )
  return yield* Effect.all({ ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") })
})

const variable = (name: string) => Config.String(name).pipe(Config.option, Effect.map(Option.getOrElse(() => "")))

/**
 * The engine that the environment leads to: DOCKER_HOST, by default `unix:///var/run/docker.sock`. With DOCKER_TLS_VERIFY a
 * tcp address is spoken to by TLS, with `ca.pem`, `cert.pem` and `key.pem` of DOCKER_CERT_PATH, by default `~/.docker`.
 *
 * Fails with `BadEndpoint`.
 */
export const fromEnvironment: Effect.Effect<EngineEndpoint, EngineError, FileSystem.FileSystem | Path.Path> = Effect
  .gen(
    function*() {
      const { join } = yield* Path.Path
      const host = yield* variable("DOCKER_HOST")
      const address = host === "" ? "unix:///var/run/docker.sock" : host
      const isTls = !address.startsWith("unix:") && (yield* variable("DOCKER_TLS_VERIFY")) !== ""
      if (!isTls) return yield* parse(address)
      const certificates = yield* variable("DOCKER_CERT_PATH")
      return yield* parse(
        address,
        yield* readTls(certificates === "" ? join(yield* variable("HOME"), ".docker") : certificates)
      )
    }
  ).pipe(Effect.catchTag("ConfigError", (error) => bad(error.message)))
