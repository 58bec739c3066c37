/**
 * The user's registry credentials, as `docker login` keeps them: in `config.json`, or in a credential helper that it names.
 * https://docs.docker.com/reference/cli/docker/login/#credential-stores
 */
import { Config, Effect, FileSystem, Option, Path, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { BadCredentials, type EngineError, fail } from "./EngineError.ts"

const Entry = Schema.Struct({
  /** Base64 of `user:password`. */
  auth: Schema.optionalKey(Schema.String),
  /** A token in a password's place. */
  identitytoken: Schema.optionalKey(Schema.String),
  registrytoken: Schema.optionalKey(Schema.String)
})

const File = Schema.fromJsonString(Schema.Struct({
  auths: Schema.optionalKey(Schema.Record(Schema.String, Entry)),
  /** The helper of every registry that has none of its own. */
  credsStore: Schema.optionalKey(Schema.String),
  /** The helper of each registry. */
  credHelpers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
}))

const HelperReply = Schema.fromJsonString(Schema.Struct({ Username: Schema.String, Secret: Schema.String }))

const encodeAuth = Schema.encodeSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

/** The header is base64 in the alphabet of URLs. */
const header = (auth: Readonly<Record<string, string>>): string => Buffer.from(encodeAuth(auth)).toString("base64url")

const bad = (detail: string): EngineError => fail(new BadCredentials({ detail }))

/** Docker Hub's credentials go by the address of its first version. */
const keyOf = (registry: string): string => registry === "docker.io" ? "https://index.docker.io/v1/" : registry

/** A key of `auths` may be written as a URL. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, "").replace(/\/.*$/, "")

/** A helper is a program's name, and nothing that leads out of the PATH. */
const helperName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** How long a helper may take: some ask the user's key ring. */
const helperDeadline = "30 seconds"

/** What helpers say when they have nothing, which is no failure. */
const nothingStored = /credentials not found|no credentials|not found in native keychain/i

const askHelper = Effect.fnUntraced(function*(helper: string, registry: string) {
  if (!helperName.test(helper)) {
    return yield* Effect.fail(bad(`config.json names a credential helper ${helper}: it must be a name, such as pass`))
  }
  const program = `docker-credential-${helper}`
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const [output, code] = yield* Effect.scoped(Effect.gen(function*() {
    const child = yield* spawner.spawn(ChildProcess.make(program, ["get"], {
      stdin: Stream.make(new TextEncoder().encode(keyOf(registry))),
      stderr: "ignore",
      extendEnv: true,
      killSignal: "SIGKILL"
    }))
    return yield* Effect.all([Stream.mkString(Stream.decodeText(child.stdout)), child.exitCode], { concurrency: 2 })
  })).pipe(
    Effect.mapError((error) =>
      bad(`${program}, which config.json names, could not be run (${error.message}): install it, or log in again`)
    ),
    Effect.timeoutOrElse({
      duration: helperDeadline,
      orElse: () => Effect.fail(bad(`${program} did not answer within ${helperDeadline}: unlock what it asks`))
    })
  )
  if (code !== 0) {
    if (nothingStored.test(output)) return undefined
    return yield* Effect.fail(
      bad(`${program} has no credentials of ${registry}: ${output.trim() || `exit code ${code}`}`)
    )
  }
  const { Secret, Username } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(HelperReply)(output),
    () => bad(`${program} answered something else than credentials: log in again`)
  )
  // So helpers tell a token from a password.
  return Username === "<token>"
    ? header({ identitytoken: Secret, serveraddress: registry })
    : header({ username: Username, password: Secret, serveraddress: registry })
})

const fromEntry = (registry: string, entry: typeof Entry.Type): string | undefined => {
  if (entry.identitytoken !== undefined) return header({ identitytoken: entry.identitytoken, serveraddress: registry })
  if (entry.registrytoken !== undefined) return header({ registrytoken: entry.registrytoken, serveraddress: registry })
  const decoded = Buffer.from(entry.auth ?? "", "base64").toString("utf8")
  const colon = decoded.indexOf(":")
  return colon < 0
    ? undefined
    : header({ username: decoded.slice(0, colon), password: decoded.slice(colon + 1), serveraddress: registry })
}

/**
 * The `X-Registry-Auth` header for a registry, such as `docker.io` or `127.0.0.1:5000`; nothing where the user is not logged in
 * there. Reads `config.json` of `directory` each time, since a login may come in between.
 *
 * Fails with `BadCredentials` when the file is there and can not be read, or its helper fails. Interruption ends the helper.
 */
export const find = Effect.fn("RegistryCredentials.find")(function*(
  registry: string,
  directory: string
): Effect.fn.Return<
  string | undefined,
  EngineError,
  ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path
> {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const path = join(directory, "config.json")
  const text = yield* fs.readFileString(path).pipe(
    Effect.map(Option.some),
    Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.succeed(Option.none<string>())),
    Effect.mapError((error) => bad(`${path} can not be read: ${error.message}`))
  )
  if (Option.isNone(text)) return undefined
  const { auths = {}, credHelpers = {}, credsStore } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(File)(text.value),
    (error) => bad(`${path} is not what docker login writes: ${error.message}`)
  )
  const helper = credHelpers[keyOf(registry)] ?? credHelpers[registry] ?? credsStore
  if (helper !== undefined && helper !== "") {
    const found = yield* askHelper(helper, registry)
    if (found !== undefined) return found
  }
  const key = Object.keys(auths).find((key) => key === keyOf(registry) || hostOf(key) === registry)
  const entry = key === undefined ? undefined : auths[key]
  return entry === undefined ? undefined : fromEntry(registry, entry)
})

/** Where Docker's configuration is: DOCKER_CONFIG, or `~/.docker`. */
export const directory: Effect.Effect<string, never, Path.Path> = Effect.gen(function*() {
  const { join } = yield* Path.Path
  const variable = (name: string) => Effect.orElseSucceed(Config.String(name), () => "")
  const configured = yield* variable("DOCKER_CONFIG")
  return configured === "" ? join(yield* variable("HOME"), ".docker") : configured
})
