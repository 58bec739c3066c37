/**
 * The daemons that a person has given names to, in a file that only that person may read.
 */
import { Config, Effect, FileSystem, Option, Path, type PlatformError, Schema } from "effect"
import { type CliFailure, failed } from "./CliFailure.ts"

/** A daemon by name. It may hold a secret. */
export const NamedHost = Schema.Struct({
  host: Schema.String,
  token: Schema.optionalKey(Schema.String),
  /** Files, by their absolute paths. */
  ca: Schema.optionalKey(Schema.String),
  cert: Schema.optionalKey(Schema.String),
  key: Schema.optionalKey(Schema.String)
})

export type NamedHost = typeof NamedHost.Type

/** All of them, and which is used where nothing else is said. */
export const Contexts = Schema.Struct({
  current: Schema.optionalKey(Schema.String),
  contexts: Schema.Record(Schema.String, NamedHost)
})

export type Contexts = typeof Contexts.Type

const fromText = Schema.fromJsonString(Contexts)
const decode = Schema.decodeUnknownEffect(fromText)
const encode = Schema.encodeEffect(fromText)

/** Where they are: below XDG's directory for configuration. */
export const file = Effect.gen(function*() {
  const path = yield* Path.Path
  const directory = yield* Config.String("XDG_CONFIG_HOME").pipe(
    Config.orElse(() => Config.map(Config.String("HOME"), (home) => path.join(home, ".config"))),
    Config.option
  ).pipe(Effect.orDie)
  return Option.map(directory, (directory) => path.join(directory, "vivarium", "contexts.json"))
})

const none: Contexts = { contexts: {} }

/** All that are there: none where there is no file. Refuses a file that others may read. */
export const read = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const where = yield* file
  if (Option.isNone(where)) return none
  const path = where.value
  const unusable = (error: PlatformError.PlatformError): CliFailure =>
    failed(`${path} can not be read: ${error.message}`)
  if (!(yield* Effect.mapError(fs.exists(path), unusable))) return none
  const { mode } = yield* Effect.mapError(fs.stat(path), unusable)
  if ((mode & 0o077) !== 0) {
    return yield* failed(
      `${path} may hold tokens, and others than you may read or write it`,
      `chmod 600 ${path}`
    )
  }
  const text = yield* Effect.mapError(fs.readFileString(path), unusable)
  return yield* Effect.mapError(
    decode(text),
    () =>
      failed(
        `${path} is damaged: it is not the JSON that viv context writes`,
        "mend it, or remove it and add its contexts again"
      )
  )
})

/** Writes them all: a new file takes the place of the old one, so that neither is ever half there or readable by others. */
export const write = Effect.fnUntraced(function*(contexts: Contexts) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const where = yield* file
  if (Option.isNone(where)) {
    return yield* failed("there is no place for contexts", "set HOME or XDG_CONFIG_HOME")
  }
  const text = yield* Effect.orDie(encode(contexts))
  const directory = path.dirname(where.value)
  yield* Effect.gen(function*() {
    yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
    const partial = yield* fs.makeTempFileScoped({ directory, prefix: "contexts" })
    yield* fs.writeFileString(partial, `${text}\n`)
    yield* fs.chmod(partial, 0o600)
    yield* fs.rename(partial, where.value)
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) => failed(`${where.value} can not be written: ${error.message}`))
  )
})
