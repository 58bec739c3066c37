/**
 * Which daemon a command speaks to, and what it shows it.
 */
import { Config, Effect, FileSystem, Option, Path, Redacted } from "effect"
import { type CliFailure, failed, unreadable, usage } from "./CliFailure.ts"
import * as Contexts from "./Contexts.ts"
import { root } from "./Root.ts"

/** How a daemon is reached. */
export interface Endpoint {
  /** What it is called when something is said of it. */
  readonly name: string
  /** Where its paths begin. Behind a unix socket the host says nothing. */
  readonly url: string
  readonly socketPath: string | undefined
  readonly token: Redacted.Redacted | undefined
  /** In PEM. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

/** What was said of a daemon: where it is, and what belongs to it. */
type Said = Contexts.NamedHost

const unix = (path: string): Said => ({ host: `unix://${path}` })

const env = (name: string) => Effect.orDie(Config.option(Config.String(name)))

const contextOf = Effect.fnUntraced(function*(contexts: Contexts.Contexts, name: string) {
  const found = contexts.contexts[name]
  if (found !== undefined) return found
  const known = Object.keys(contexts.contexts)
  return yield* usage(
    `there is no context ${name}`,
    known.length === 0 ? "viv context add NAME --host URL" : `there are: ${known.join(", ")}`
  )
})

/** What the command line says, else the environment, else the context in use, else the daemon of this machine. */
const said = Effect.fnUntraced(function*(defaultSocket: string, socketOf: (stateDirectory: string) => string) {
  const path = yield* Path.Path
  const { context, host, socket, stateDir } = yield* root
  const given = [
    Option.map(socket, (socket) => Effect.succeed(unix(path.resolve(socket)))),
    Option.map(stateDir, (directory) => Effect.succeed(unix(socketOf(path.resolve(directory))))),
    Option.map(host, (host) => Effect.succeed<Said>({ host })),
    Option.map(context, (name) => Effect.flatMap(Contexts.read, (contexts) => contextOf(contexts, name)))
  ].flatMap((one) => Option.isSome(one) ? [one.value] : [])
  const [first, second] = given
  if (second !== undefined) {
    return yield* usage("--socket, --state-dir, --host and --context each name a daemon: give one of them")
  }
  if (first !== undefined) return yield* first
  const hostNamed = yield* env("VIV_HOST")
  if (Option.isSome(hostNamed)) return { host: hostNamed.value }
  const contexts = yield* Contexts.read
  const contextNamed = Option.orElse(yield* env("VIV_CONTEXT"), () => Option.fromUndefinedOr(contexts.current))
  return Option.isSome(contextNamed) ? yield* contextOf(contexts, contextNamed.value) : unix(defaultSocket)
})

const readText = Effect.fnUntraced(function*(what: string, file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(fs.readFileString(file), (error) => unreadable(`${what}, ${file},`, error))
})

/** A token, without the line end that editors leave behind it. */
export const readToken = (file: string) =>
  Effect.flatMap(
    readText("the token", file),
    (text) =>
      text.trim() === ""
        ? Effect.fail(failed(`the token in ${file} is empty`))
        : Effect.succeed(Redacted.make(text.trim()))
  )

/** The token: of the command line's file, of the environment, or of the context. */
const token = Effect.fnUntraced(function*({ token }: Said) {
  const { tokenFile } = yield* root
  if (Option.isSome(tokenFile)) return yield* readToken(tokenFile.value)
  const inEnvironment = yield* env("VIV_TOKEN")
  if (Option.isSome(inEnvironment)) return Redacted.make(inEnvironment.value.trim())
  const named = yield* env("VIV_TOKEN_FILE")
  if (Option.isSome(named)) return yield* readToken(named.value)
  return token === undefined ? undefined : Redacted.make(token)
})

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname)

/** Where a daemon is: an absolute path of a unix socket, or the origin of a URL. */
export const parseHost = (host: string): Effect.Effect<Pick<Endpoint, "socketPath" | "url">, CliFailure> => {
  const wrong = usage(
    `${host} is no daemon's address`,
    "write unix:///PATH, https://HOST:PORT, or http://HOST:PORT for one on this machine"
  )
  if (host.startsWith("unix://")) {
    const socketPath = host.slice("unix://".length)
    return socketPath.startsWith("/") ? Effect.succeed({ socketPath, url: "http://localhost" }) : Effect.fail(wrong)
  }
  const url = URL.parse(host)
  if (url === null || !["http:", "https:"].includes(url.protocol)) return Effect.fail(wrong)
  if (url.username !== "" || url.password !== "") {
    return Effect.fail(usage("a secret has no place in an address", "use --token-file, VIV_TOKEN or viv context add"))
  }
  return Effect.succeed({ socketPath: undefined, url: url.origin })
}

/**
 * The daemon of this command, with what it is shown. A token is sent where nobody can read along only: over TLS, or within this
 * machine.
 */
export const endpoint = Effect.fnUntraced(function*(
  defaultSocket: string,
  socketOf: (stateDirectory: string) => string
) {
  const flags = yield* root
  const where = yield* said(defaultSocket, socketOf)
  const { socketPath, url } = yield* parseHost(where.host)
  const secret = yield* token(where)
  const { hostname, protocol } = new URL(url)
  if (secret !== undefined && protocol === "http:" && socketPath === undefined && !isLoopback(hostname)) {
    return yield* usage(`the token would be sent to ${where.host} for all to read`, "use https://")
  }
  const pem = (flag: Option.Option<string>, named: string | undefined, what: string) => {
    const file = Option.getOrElse(flag, () => named)
    return file === undefined ? Effect.succeed(undefined) : readText(what, file)
  }
  const ca = yield* pem(flags.ca, where.ca, "the certificate authority")
  const cert = yield* pem(flags.cert, where.cert, "the client certificate")
  const key = yield* pem(flags.key, where.key, "the client certificate's key")
  if ((cert === undefined) !== (key === undefined)) return yield* usage("--tls-cert and --tls-key belong together")
  return {
    name: where.host,
    url,
    socketPath,
    token: secret,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key })
    }
  } satisfies Endpoint
})
