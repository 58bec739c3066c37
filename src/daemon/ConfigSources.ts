/**
 * Where a daemon's configuration comes from: a YAML or JSON file, then the environment, then flags.
 */
import { Effect, FileSystem, Option, Schema } from "effect"
import { fromIssue, type PayloadError } from "../payload/PayloadError.ts"
import { fromInput, isMapping, parse, type Tree } from "../payload/YamlText.ts"
import { DaemonConfig } from "./DaemonConfig.ts"

/** What can be said in the environment and by a flag, too: a variable `VIVD_LOG_FORMAT` and a flag `--log-format`. */
export const settings = [
  { flag: "state-dir", path: ["stateDirectory"], what: "the state directory" },
  { flag: "socket", path: ["socket", "path"], what: "the unix socket" },
  { flag: "socket-owner", path: ["socket", "owner"], what: "the user that the socket belongs to" },
  { flag: "socket-group", path: ["socket", "group"], what: "the group that may use the socket" },
  { flag: "tcp-host", path: ["tcp", "host"], what: "the address to listen at" },
  { flag: "tcp-port", path: ["tcp", "port"], what: "the TCP port to listen at" },
  { flag: "tls-certificate", path: ["tcp", "tls", "certificate"], what: "the listener's certificate, a file in PEM" },
  { flag: "tls-key", path: ["tcp", "tls", "key"], what: "the file of its key" },
  {
    flag: "tls-client-authorities",
    path: ["tcp", "tls", "clientAuthorities"],
    what: "who signs the certificates that clients must have, a file in PEM"
  },
  { flag: "tokens", path: ["tokens"], what: "the file of the tokens' hashes" },
  { flag: "log-format", path: ["log", "format"], what: "text or json" },
  { flag: "log-at", path: ["log", "level"], what: "error, warning, info or debug" },
  { flag: "otlp", path: ["otlp"], what: "the base URL of an OTLP endpoint" },
  { flag: "shutdown-deadline", path: ["shutdownDeadline"], what: "how long commands are waited for at the end" },
  { flag: "simulate", path: ["simulate"], what: "true: guests are simulated, in memory" }
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
