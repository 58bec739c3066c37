/**
 * Where a daemon's configuration comes from: a YAML or JSON file, then the environment, then flags.
 */
import { Effect, FileSystem, Option, Schema } from "effect"
import { fromIssue, type PayloadError } from "../payload/PayloadError.ts"
import { fromInput, isMapping, parse, type Tree } from "../payload/YamlText.ts"
import { DaemonConfig } from "./DaemonConfig.ts"

/** What can be said in the environment and by a flag, too: a variable `VIVD_LOG_FORMAT` and a flag `--log-format`. */
export const settings = [
  { flag: "state-dir", metavar: "DIRECTORY", path: ["stateDirectory"], what: "The state directory" },
  { flag: "socket", metavar: "PATH", path: ["socket", "path"], what: "The unix socket" },
  { flag: "socket-owner", metavar: "USER", path: ["socket", "owner"], what: "The user that the socket belongs to" },
  { flag: "socket-group", metavar: "GROUP", path: ["socket", "group"], what: "The group that may use the socket" },
  { flag: "tcp-host", metavar: "ADDRESS", path: ["tcp", "host"], what: "The address to listen at" },
  { flag: "tcp-port", metavar: "PORT", path: ["tcp", "port"], what: "The TCP port to listen at" },
  {
    flag: "tls-certificate",
    metavar: "PATH",
    path: ["tcp", "tls", "certificate"],
    what: "The listener's certificate, a file in PEM"
  },
  { flag: "tls-key", metavar: "PATH", path: ["tcp", "tls", "key"], what: "The file of its key" },
  {
    flag: "tls-client-authorities",
    metavar: "PATH",
    path: ["tcp", "tls", "clientAuthorities"],
    what: "Who signs the certificates that clients must have, a file in PEM"
  },
  { flag: "tokens", metavar: "PATH", path: ["tokens"], what: "The file of the tokens' hashes" },
  { flag: "log-format", metavar: "FORMAT", path: ["log", "format"], what: "How it logs: text or json" },
  {
    flag: "log-at",
    metavar: "LEVEL",
    path: ["log", "level"],
    what: "From where on it logs: error, warning, info or debug"
  },
  { flag: "otlp", metavar: "URL", path: ["otlp"], what: "The base URL of an OTLP endpoint" },
  {
    flag: "shutdown-deadline",
    metavar: "DURATION",
    path: ["shutdownDeadline"],
    what: "How long commands are waited for at the end"
  },
  { flag: "simulate", metavar: "BOOLEAN", path: ["simulate"], what: "true: guests are simulated, in memory" }
] as const

/** The variable of a setting. */
export const variableOf = (flag: string): string => `VIVD_${flag.replaceAll("-", "_").toUpperCase()}`

/** The daemon's configuration can not be used. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", { message: Schema.String }) {}

/** What was said, and by whom. */
export interface Sources {
  /** The file. One that was asked for must be there. */
  readonly file: { readonly path: string; readonly isRequired: boolean }
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly flags: Readonly<Record<string, string | undefined>>
}

const decode = Schema.decodeUnknownEffect(Schema.toCodecStringTree(DaemonConfig), {
  errors: "all",
  onExcessProperty: "error"
})

/** The tree with a value at a path. */
const withValue = (tree: Tree, [key, ...rest]: ReadonlyArray<string>, value: string): Tree => {
  if (key === undefined) return value
  const mapping = isMapping(tree) ? tree : {}
  return { ...mapping, [key]: withValue(mapping[key] ?? {}, rest, value) }
}

/** The text that stands for nothing where a Schema reads texts. */
const withoutNulls = (tree: Tree): Tree => {
  if (tree === null) return "null"
  if (isMapping(tree)) return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, withoutNulls(value)]))
  return typeof tree === "string" ? tree : tree.map(withoutNulls)
}

const fileTree = Effect.fnUntraced(function*(
  { isRequired, path }: Sources["file"]
): Effect.fn.Return<Tree, ConfigError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* Effect.option(fs.readFile(path))
  if (Option.isNone(bytes)) {
    if (!isRequired && !(yield* Effect.orElseSucceed(fs.exists(path), () => true))) return {}
    return yield* new ConfigError({
      message: `${path} can not be read: make it readable, or name another with --config`
    })
  }
  const documents = yield* fromInput(bytes.value).pipe(
    Effect.flatMap((text) => parse(text)),
    Effect.mapError((error) => new ConfigError({ message: `${path}: ${error.message}` }))
  )
  if (documents.length > 1) return yield* new ConfigError({ message: `${path}: must be one document` })
  return withoutNulls(documents[0] ?? {})
})

/** Reads and checks it. Every problem is told, by its field; no value is, since it may be a secret. */
export const read = Effect.fnUntraced(function*(
  { environment, file, flags }: Sources
): Effect.fn.Return<DaemonConfig, ConfigError, FileSystem.FileSystem> {
  let tree: Tree = yield* fileTree(file)
  const unknown = Object.keys(environment).filter((name) =>
    name.startsWith("VIVD_") && name !== "VIVD_CONFIG" && !settings.some(({ flag }) => variableOf(flag) === name)
  )
  if (unknown.length > 0) {
    return yield* new ConfigError({ message: `${unknown.join(", ")}: no such setting: correct the name, or unset it` })
  }
  for (const { flag, path } of settings) {
    const value = flags[flag] ?? environment[variableOf(flag)]
    if (value !== undefined) tree = withValue(tree, path, value)
  }
  return yield* Effect.mapError(decode(tree), (error) => {
    const refused: PayloadError = fromIssue(error.issue)
    return new ConfigError({
      message: refused.problems.map(({ message, path }) => `${path === "" ? file.path : path}: ${message}`).join("\n")
    })
  })
})

const encode = Schema.encodeEffect(Schema.toCodecJson(DaemonConfig))

/** The configuration as it is used, as JSON. It holds no secrets: those are in files of their own. */
export const show = (config: DaemonConfig): Effect.Effect<string> =>
  Effect.map(Effect.orDie(encode(config)), (json) => JSON.stringify(json, null, 2))
