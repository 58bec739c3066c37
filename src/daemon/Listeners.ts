/**
 * Where the daemon listens: its unix socket, and TCP where that is configured.
 */
import { readFileSync } from "node:fs"
import type * as Http from "node:http"
import * as Net from "node:net"
import { Duration, Effect, FileSystem, Option, Path, Stream } from "effect"
import type { HttpServerError } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Directories from "../internal/Directories.ts"
import { ConfigError } from "./ConfigSources.ts"
import type { DaemonConfig, Tcp } from "./DaemonConfig.ts"

/** An import would load all that Node exports beside its server, which takes twice as long as Node itself. */
const { createServer } = process.getBuiltinModule("node:http")

/** A server that does not listen yet. */
export interface Unbound {
  readonly make: () => Http.Server
  readonly options: Net.ListenOptions
  /** The same for people. */
  readonly where: string
  /** Reads again what it was made with. */
  readonly reload: Effect.Effect<void, ConfigError>
}

/** What bounds the clients of a server. */
const bounds = ({ limits }: DaemonConfig) => ({
  headersTimeout: Duration.toMillis(limits.headersDeadline),
  requestTimeout: Math.max(Duration.toMillis(limits.requestDeadline), Duration.toMillis(limits.headersDeadline)),
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 16_384
})

const bounded = <S extends Http.Server>(server: S, { limits }: DaemonConfig): S => {
  server.maxConnections = limits.connectionsMax
  return server
}

/** Whether somebody listens at a unix socket. */
const isAlive = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const connection = Net.createConnection({ path })
    connection.once("connect", () => resume(Effect.succeed(true)))
    connection.once("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.succeed(error.code !== "ECONNREFUSED" && error.code !== "ENOENT")))
    return Effect.sync(() =>
      connection.destroy()
    )
  })

/** Makes place for a unix socket: its directory, and without what a daemon left that was killed. */
export const clear = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  if (Buffer.byteLength(path) > 107) {
    return yield* new ConfigError({ message: `${path} is too long for a unix socket: it may have 107 bytes` })
  }
  yield* Effect.mapError(
    Directories.make(dirname(path), 0o755),
    (error) => new ConfigError({ message: `the directory of ${path} can not be made: ${error.message}` })
  )
  const there = yield* Effect.option(fs.stat(path))
  if (Option.isNone(there)) return
  if (there.value.type !== "Socket") {
    return yield* new ConfigError({
      message: `${path} is there, and is no socket: move it away, or choose another path`
    })
  }
  if (yield* isAlive(path)) {
    return yield* new ConfigError({ message: `somebody listens at ${path}: stop them, or choose another path` })
  }
  yield* Effect.ignore(fs.remove(path))
})

/** Gives a socket its owner, group and mode. Until then only its maker may use it. */
export const protect = Effect.fnUntraced(
  function*(path: string, { group, owner }: DaemonConfig["socket"]) {
    const fs = yield* FileSystem.FileSystem
    if (owner !== undefined || group !== undefined) {
      const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
      const who = `${owner ?? ""}${group === undefined ? "" : `:${group}`}`
      const child = yield* spawner.spawn(ChildProcess.make("chown", ["--", who, path]))
      const why = yield* Stream.mkString(Stream.decodeText(child.stderr))
      if ((yield* child.exitCode) !== 0) {
        return yield* new ConfigError({ message: `${path} can not be given to ${who}: ${why.trim()}` })
      }
    }
    yield* fs.chmod(path, 0o660)
  },
  Effect.scoped,
  Effect.mapError((error) => new ConfigError({ message: error.message }))
)

/** The unix socket. */
export const unix = (config: DaemonConfig, path: string): Unbound => ({
  make: () => bounded(createServer(bounds(config)), config),
  options: { path },
  where: path,
  reload: Effect.void
})

/** Whether only this machine reaches an address. */
const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)

/** Says what a TCP listener lacks, if anything. */
export const lacks = ({ host, tls }: Tcp, tokens: number): string | undefined => {
  if (tokens === 0) return "tokens: a TCP listener needs at least one token: make it with vivd token create"
  if (!isLoopback(host) && tls === undefined) {
    return `tcp.tls: a listener at ${host} is reached from elsewhere: it needs TLS`
  }
  return undefined
}

/** What Node says went wrong. */
const reasonOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** A server that could not listen. */
export const unheard = (where: string) => (error: HttpServerError.ServeError): ConfigError =>
  new ConfigError({
    message: `nobody can be listened to at ${where}: ${
      reasonOf(error.cause)
    }: choose another address, or end what has it`
  })

const material = ({ certificate, clientAuthorities, key }: NonNullable<Tcp["tls"]>) =>
  Effect.try({
    try: () => ({
      cert: readFileSync(certificate),
      key: readFileSync(key),
      minVersion: "TLSv1.2" as const,
      ...(clientAuthorities === undefined ? {} : {
        ca: readFileSync(clientAuthorities),
        requestCert: true,
        rejectUnauthorized: true
      })
    }),
    catch: (cause) => new ConfigError({ message: `tcp.tls: its files can not be read: ${reasonOf(cause)}` })
  })

/** A TCP listener, with TLS where that is configured. */
export const tcp = Effect.fnUntraced(function*(
  config: DaemonConfig,
  { host, port, tls }: Tcp
): Effect.fn.Return<Unbound, ConfigError> {
  const options = { host, port }
  const where = `${host}, port ${port}`
  if (tls === undefined) {
    return { make: () => bounded(createServer(bounds(config)), config), options, where, reload: Effect.void }
  }
  const read = material(tls)
  const first = yield* read
  const unusable = (cause: unknown) =>
    new ConfigError({
      message: `tcp.tls: its certificate and key can not be used: ${
        reasonOf(cause)
      }: they must be PEM, and belong together`
    })
  const server = yield* Effect.try({
    try: () =>
      bounded(
        // Loaded here, since few daemons need TLS.
        process.getBuiltinModule("node:https").createServer({
          ...bounds(config),
          handshakeTimeout: bounds(config).headersTimeout,
          ...first
        }),
        config
      ),
    catch: unusable
  })
  return {
    make: () => server,
    options,
    where,
    reload: Effect.flatMap(read, (again) =>
      Effect.try({
        try: () => server.setSecureContext(again),
        catch: unusable
      }))
  }
})
